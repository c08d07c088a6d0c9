// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { PreferencesProvider } from "@/app/preferences";
import { ja } from "@/i18n/ja";
import { FieldDrawer } from "./FieldDrawer";

const broken = vi.hoisted(() => {
  localStorage.setItem("daicho.language", "ja"); // read while modules load
  return { panel: false };
});

vi.mock("@/features/records/LeaveGuard", () => ({ LeaveGuard: () => null }));
vi.mock("@/features/records/FieldInput", async (original) => {
  const { FieldInput } = await original<typeof import("@/features/records/FieldInput")>();
  return {
    FieldInput: (props: Parameters<typeof FieldInput>[0]) => {
      if (broken.panel) throw new Error("this panel is broken");
      return FieldInput(props);
    },
  };
});

vi.setConfig({ testTimeout: 30_000 }); // whole dialogs, on cores that others use too

beforeAll(() => {
  window.matchMedia = ((query: string) => ({ matches: false, media: query, addEventListener() {}, removeEventListener() {}, addListener() {}, removeListener() {} })) as never;
  globalThis.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
  Element.prototype.scrollIntoView = () => undefined;
});
beforeEach(() => {
  broken.panel = false;
});
afterEach(cleanup);

async function open(onClose = () => undefined) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, enabled: false } } });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>
        <PreferencesProvider>
          <FieldDrawer resource="contact" field={undefined} taken={["ranku"]} onClose={onClose} onSaved={() => undefined} />
        </PreferencesProvider>
      </QueryClientProvider>
    </MantineProvider>,
  );
  await screen.findByLabelText(ja["fields.label"]);
}

const label = () => screen.getByLabelText(ja["fields.label"]);
const options = () => screen.getAllByLabelText(ja["fields.optionLabel"]);

async function chooseSelect(user: ReturnType<typeof userEvent.setup>) {
  await user.click(screen.getByRole("combobox", { name: ja["fields.type"] }));
  await user.click(await screen.findByRole("option", { name: new RegExp(`^${ja["type.select"].replace(/[（）]/g, ".")}`) }));
}

test("options that begin alike are typed one after another with Enter", async () => {
  const user = userEvent.setup();
  await open();
  await user.type(label(), "ランク");
  await chooseSelect(user);
  await user.click(screen.getByRole("button", { name: ja["fields.addOption"] }));
  await user.click(screen.getByRole("button", { name: ja["fields.addOption"] }));
  await user.type(options()[0] as HTMLElement, "A");
  await user.type(options()[1] as HTMLElement, "AB{Enter}A{Enter}");
  expect(options().map((each) => (each as HTMLInputElement).value)).toEqual(["A", "AB", "A", ""]);
  expect(document.activeElement).toBe(options()[3]);
  expect(screen.queryByText(ja["state.errorTitle"])).toBeNull();
  expect((label() as HTMLInputElement).value).toBe("ランク");
});

test("the key follows the label until it is written by hand", async () => {
  const user = userEvent.setup();
  await open();
  await user.clear(label());
  await user.type(label(), "ランク");
  const key = () => screen.getByLabelText<HTMLInputElement>(ja["fields.key"]);
  await user.click(screen.getByRole("button", { name: ja["record.details"] }));
  expect(key().value).toBe("ranku_2");
  await user.clear(key());
  await user.type(key(), "grade");
  await user.type(label(), "表");
  expect(key().value).toBe("grade");
});

test("a panel that fails leaves the rest of the dialog and what was typed", async () => {
  const silenced = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const user = userEvent.setup();
  await open();
  broken.panel = true;
  await user.clear(label());
  await user.type(label(), "残る言葉");
  expect((label() as HTMLInputElement).value).toBe("残る言葉");
  expect(screen.getByText(ja["state.errorTitle"])).toBeTruthy();
  broken.panel = false;
  await user.click(screen.getByRole("button", { name: ja["action.retry"] }));
  expect(screen.queryByText(ja["state.errorTitle"])).toBeNull();
  expect((label() as HTMLInputElement).value).toBe("残る言葉");
  silenced.mockRestore();
});

test("a dialog that was taken away by an error has its draft when it is opened again", async () => {
  const user = userEvent.setup();
  await open();
  await user.clear(label());
  await user.type(label(), "消えない");
  cleanup(); // as an error above the dialog does: nobody closed it
  await open();
  expect((label() as HTMLInputElement).value).toBe("消えない");
  await user.click(screen.getByRole("button", { name: ja["action.cancel"] }));
  cleanup();
  await open();
  expect((label() as HTMLInputElement).value).toBe("");
});

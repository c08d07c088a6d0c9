// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { PreferencesProvider } from "@/app/preferences";
import { ja } from "@/i18n/ja";
import { ConfirmRights, isPowerful } from "./ConfirmRights";

vi.hoisted(() => localStorage.setItem("daicho.language", "ja"));
window.matchMedia = ((query: string) => ({ matches: false, media: query, addEventListener() {}, removeEventListener() {}, addListener() {}, removeListener() {} })) as never;
globalThis.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
vi.setConfig({ testTimeout: 30_000 });
afterEach(cleanup);

function ask(role: string, before: string, names: string[], onConfirm = () => undefined) {
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <PreferencesProvider>
          <ConfirmRights names={names} role={role} before={before} onConfirm={onConfirm} onClose={() => undefined} />
        </PreferencesProvider>
      </QueryClientProvider>
    </MantineProvider>,
  );
}

test("rights of an owner are confirmed by name, with what follows", async () => {
  const confirmed = vi.fn();
  ask("owner", "member", ["中村 由紀"], confirmed);
  expect(await screen.findByText("中村 由紀 を「オーナー」にしますか？")).toBeTruthy();
  expect(screen.getByText(ja["rights.owner"])).toBeTruthy();
  expect(confirmed).not.toHaveBeenCalled();
  screen.getByRole("button", { name: ja["rights.give"] }).click();
  expect(confirmed).toHaveBeenCalledOnce();
});

test("an owner who is made something else is told as a loss, and several people are all named", async () => {
  ask("member", "owner", ["a@example.jp", "b@example.jp"]);
  expect(await screen.findByText(ja["rights.loses"])).toBeTruthy();
  expect(screen.getByText("a@example.jp、b@example.jp")).toBeTruthy();
  expect(["owner", "admin", "manager", "member", "read_only"].filter(isPowerful)).toEqual(["owner", "admin"]);
});

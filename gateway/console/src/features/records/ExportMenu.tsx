/** Writes the list, as it is filtered, into a file. */

import { Button, Menu } from "@mantine/core";
import { IconFileExport } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { answered, client } from "@/api/client";
import { Problem } from "@/api/problem";
import type { ExportRequest, Resource } from "@/api/types";
import { useT } from "@/app/preferences";
import { Confirm } from "@/components/confirm";
import { messageOf } from "@/components/messages";
import { notifyFailed } from "@/components/notify";
import { useMay } from "@/components/permissions";
import { pathOf } from "./specs";

type Asked = Pick<ExportRequest, "q" | "filter" | "sort">;

const FILES = {
  excel: { format: "xlsx" },
  utf8: { format: "csv", encoding: "utf-8-sig" },
  sjis: { format: "csv", encoding: "cp932" },
} as const;
/** What Japanese papers print for a character that they lack. */
const GETA = "〓";

export function ExportMenu({ resource, asked }: { resource: Resource; asked: Asked }) {
  const t = useT();
  const may = useMay();
  const [lacking, setLacking] = useState<string>();
  const download = useMutation({
    mutationFn: (file: Partial<ExportRequest>) => fetchFile(resource, { ...asked, ...file }),
    onSuccess: ({ file, name }) => {
      setLacking(undefined);
      save(file, name);
    },
    onError: (error) => {
      const fault = error instanceof Problem ? error.fields[0] : undefined;
      if (fault?.code === "characters_lacking") setLacking(fault.detail);
      else notifyFailed(fault?.detail ?? messageOf(error, t));
    },
  });
  if (!may(`${pathOf(resource)}:export`)) return null;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" visibleFrom="sm" leftSection={<IconFileExport size={15} />} loading={download.isPending}>
            {t("list.export")}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {(["excel", "utf8", "sjis"] as const).map((kind) => (
            <Menu.Item key={kind} onClick={() => download.mutate(FILES[kind])}>
              {t(`list.export.${kind}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Confirm
        opened={lacking !== undefined}
        title={t("list.export.lacking")}
        text={lacking ?? ""}
        action={t("list.export.substitute", { substitute: GETA })}
        working={download.isPending}
        onConfirm={() => download.mutate({ ...FILES.sjis, substitute: GETA })}
        onClose={() => setLacking(undefined)}
      />
    </>
  );
}

/** Fetched rather than linked to: what refuses it is told here. */
async function fetchFile(resource: Resource, body: Partial<ExportRequest>): Promise<{ file: Blob; name: string }> {
  const { data, response } = await answered(
    resource === "contact"
      ? client.POST("/v1/contacts/export", { body, parseAs: "blob" })
      : client.POST("/v1/companies/export", { body, parseAs: "blob" }),
  );
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  return { file: data as unknown as Blob, name: name ?? pathOf(resource) };
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

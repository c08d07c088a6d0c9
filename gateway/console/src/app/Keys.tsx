/** What the keyboard can do. */

import { Kbd, Modal, Table } from "@mantine/core";
import { isApple } from "./Navigation";
import { useT } from "./preferences";

export default function Keys({ onClose }: { onClose: () => void }) {
  const t = useT();
  const rows = [
    { keys: [isApple() ? "⌘" : "Ctrl", "K"], does: t("keys.palette") },
    { keys: ["/"], does: t("keys.search") },
    { keys: ["J", "K", "↓", "↑"], does: t("keys.move") },
    { keys: ["Enter"], does: t("keys.open") },
    { keys: ["Home", "End"], does: t("keys.ends") },
    { keys: ["C"], does: t("keys.new") },
    { keys: [isApple() ? "⌘" : "Ctrl", "Enter"], does: t("keys.save") },
    { keys: ["Esc"], does: t("keys.close") },
    { keys: ["?"], does: t("keys.help") },
  ];
  return (
    <Modal opened onClose={onClose} title={t("keys.title")} closeButtonProps={{ "aria-label": t("action.close") }}>
      <Table withRowBorders={false}>
        <Table.Tbody>
          {rows.map(({ keys, does }) => (
            <Table.Tr key={does}>
              <Table.Td>{does}</Table.Td>
              <Table.Td ta="right">
                {keys.map((key) => (
                  <Kbd key={key} ml={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}

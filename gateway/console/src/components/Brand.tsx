import { Group, Text } from "@mantine/core";
import { useT } from "@/app/preferences";

export function Brand({ size = 22 }: { size?: number }) {
  const t = useT();
  return (
    <Group gap={8} wrap="nowrap">
      <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="#17587a" />
        <path d="M9 7h12a3 3 0 0 1 3 3v15H11a3 3 0 0 1-3-3V8a1 1 0 0 1 1-1z" fill="#fff" />
        <path d="M12 12h8M12 16h8M12 20h5" stroke="#17587a" strokeWidth="2" strokeLinecap="round" />
      </svg>
      <Text fw={650} size="md" lts="0.01em">
        {t("app.name")}
      </Text>
    </Group>
  );
}

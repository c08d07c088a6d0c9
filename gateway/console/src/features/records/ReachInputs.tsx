/** Several e-mail addresses or telephone numbers, each with what it is used for. */

import { ActionIcon, Button, Group, Input, Select, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import type { FieldErrors } from "@/api/problem";
import { useT } from "@/app/preferences";
import type { Key } from "@/i18n";
import { nationalPhone } from "./numbers";

interface ReachProps {
  label: string;
  value: unknown;
  onChange: (value: unknown) => void;
  errors: FieldErrors;
  autoFocus?: boolean;
}

interface Item {
  kind: string;
  [member: string]: string;
}

export function EmailsInput(props: ReachProps) {
  return <ReachInput {...props} member="address" kinds={["work", "home", "other"]} type="email" add="input.addEmail" show={(text) => text} />;
}

export function PhonesInput(props: ReachProps) {
  return <ReachInput {...props} member="number" kinds={["work", "mobile", "home", "fax", "other"]} type="tel" add="input.addPhone" show={nationalPhone} />;
}

interface Kind extends ReachProps {
  member: "address" | "number";
  kinds: readonly ("work" | "home" | "mobile" | "fax" | "other")[];
  type: "email" | "tel";
  add: Key;
  show: (text: string) => string;
}

function ReachInput({ label, value, onChange, errors, autoFocus, member, kinds, type, add, show }: Kind) {
  const t = useT();
  const items = (value as Item[] | null | undefined) ?? [];
  const change = (place: number, part: Partial<Item>) =>
    onChange(items.map((item, each) => (each === place ? { ...item, ...part } : item)));
  return (
    <Input.Wrapper label={label} labelElement="div" error={errors[""]}>
      <Stack gap={6}>
        {items.map((item, place) => (
          <Group key={place} gap={6} wrap="nowrap" align="flex-start">
            <TextInput
              style={{ flex: 1 }}
              type={type}
              aria-label={label}
              value={show(item[member] ?? "")}
              onChange={(event) => change(place, { [member]: event.currentTarget.value })}
              error={errors[`${place}.${member}`] ?? errors[String(place)]}
              autoFocus={autoFocus && place === 0}
            />
            <Select
              w={104}
              aria-label={t("input.kind")}
              value={item.kind}
              onChange={(kind) => change(place, { kind: kind ?? "work" })}
              data={kinds.map((kind) => ({ value: kind, label: t(`kind.${kind}`) }))}
              allowDeselect={false}
              error={errors[`${place}.kind`]}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size={36}
              aria-label={t("input.removeNth", { n: place + 1 })}
              onClick={() => onChange(items.filter((_, each) => each !== place))}
            >
              <IconX size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Button
          variant="subtle"
          size="compact-xs"
          w="fit-content"
          leftSection={<IconPlus size={13} />}
          onClick={() => onChange([...items, { [member]: "", kind: kinds[0] ?? "work" }])}
        >
          {t(add)}
        </Button>
      </Stack>
    </Input.Wrapper>
  );
}

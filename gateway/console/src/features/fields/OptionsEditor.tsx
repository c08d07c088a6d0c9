/** The options of a select: added, renamed, coloured, ordered, archived. */

import { ActionIcon, Badge, Button, ColorSwatch, Group, Input, Menu, Stack, TextInput, UnstyledButton } from "@mantine/core";
import { IconArchive, IconArchiveOff, IconArrowDown, IconArrowUp, IconDots, IconPlus, IconTrash } from "@tabler/icons-react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import type { FieldErrors } from "@/api/problem";
import type { Option } from "@/api/types";
import { useT } from "@/app/preferences";
import { withBlankAt } from "./options";

interface OptionsEditorProps {
  options: Option[];
  /** Those that records may hold: their values stay. One that no record holds can be removed; the API refuses others. */
  kept: readonly Option[];
  onChange: (options: Option[]) => void;
  errors: FieldErrors;
}

const NO_COLOR = "#8a93a1";
const COLORS = [NO_COLOR, "#d9480f", "#e03131", "#c2255c", "#9c36b5", "#3b5bdb", "#1971c2", "#0c8599", "#2f9e44", "#e8a200"];

export function OptionsEditor({ options, kept, onChange, errors }: OptionsEditorProps) {
  const t = useT();
  // The place of an option that was just added: its input takes the cursor.
  const [added, setAdded] = useState<number>();
  const fresh = useRef<HTMLInputElement>(null);
  useEffect(() => {
    fresh.current?.focus();
    setAdded(undefined);
  }, [added]);
  const isKept = (option: Option) => kept.some((each) => each.value === option.value);
  const change = (place: number, part: Partial<Option>) =>
    onChange(options.map((option, each) => (each === place ? { ...option, ...part } : option)));
  function rename(place: number, label: string) {
    const option = options[place];
    // A new option's value follows what people call it; records hold the value, so it then stays.
    if (option) change(place, isKept(option) ? { label } : { label, value: label.trim() });
  }
  function addAt(place: number) {
    setAdded(place);
    onChange(withBlankAt(options, place));
  }
  function addBelow(event: KeyboardEvent<HTMLInputElement>, place: number) {
    // Enter that ends a conversion of kana adds nothing.
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    if (event.currentTarget.value.trim() !== "") addAt(place + 1);
  }
  function move(place: number, step: 1 | -1) {
    const next = [...options];
    const [moved] = next.splice(place, 1);
    if (moved) next.splice(place + step, 0, moved);
    onChange(next);
  }
  return (
    <Input.Wrapper label={t("fields.options")} description={t("fields.archiveHelp")} labelElement="div" error={errors[""]}>
      <Stack gap={6} mt={6}>
        {options.map((option, place) => (
          <Group key={place} gap={6} wrap="nowrap" align="flex-start">
            <ColorMenu color={option.color} onChange={(color) => change(place, { color })} />
            <TextInput
              size="xs"
              style={{ flex: 1 }}
              ref={place === added ? fresh : undefined}
              onKeyDown={(event) => addBelow(event, place)}
              aria-label={t("fields.optionLabel")}
              value={option.label || option.value}
              onChange={(event) => rename(place, event.currentTarget.value)}
              error={errors[`${place}.value`] ?? errors[`${place}.label`] ?? errors[`${place}.color`] ?? errors[String(place)]}
              rightSection={option.archived ? <Badge color="gray">{t("fields.archived")}</Badge> : undefined}
              rightSectionWidth={option.archived ? 104 : undefined}
            />
            <Menu>
              <Menu.Target>
                <ActionIcon variant="subtle" color="gray" size={30} aria-label={t("fields.more", { label: option.label || option.value })}>
                  <IconDots size={15} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item leftSection={<IconArrowUp size={15} />} disabled={place === 0} onClick={() => move(place, -1)}>
                  {t("action.up")}
                </Menu.Item>
                <Menu.Item leftSection={<IconArrowDown size={15} />} disabled={place === options.length - 1} onClick={() => move(place, 1)}>
                  {t("action.down")}
                </Menu.Item>
                {isKept(option) && (
                  <Menu.Item
                    leftSection={option.archived ? <IconArchiveOff size={15} /> : <IconArchive size={15} />}
                    onClick={() => change(place, { archived: !option.archived })}
                  >
                    {t(option.archived ? "fields.unarchiveOption" : "fields.archiveOption")}
                  </Menu.Item>
                )}
                <Menu.Item c="error" leftSection={<IconTrash size={15} />} onClick={() => onChange(options.filter((_, each) => each !== place))}>
                  {t("action.remove")}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Group>
        ))}
        <Button
          variant="subtle"
          size="compact-xs"
          w="fit-content"
          leftSection={<IconPlus size={13} />}
          onClick={() => addAt(options.length)}
        >
          {t("fields.addOption")}
        </Button>
      </Stack>
    </Input.Wrapper>
  );
}

function ColorMenu({ color, onChange }: { color: string | null | undefined; onChange: (color: string) => void }) {
  const t = useT();
  return (
    <Menu position="bottom-start" width={150}>
      <Menu.Target>
        <UnstyledButton aria-label={t("fields.optionColor")} p={7}>
          <ColorSwatch size={16} color={color ?? NO_COLOR} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Group gap={4} p={4}>
          {COLORS.map((each) => (
            <Menu.Item key={each} w={36} p={8} aria-label={each} onClick={() => onChange(each)}>
              <ColorSwatch size={18} color={each} />
            </Menu.Item>
          ))}
        </Group>
      </Menu.Dropdown>
    </Menu>
  );
}

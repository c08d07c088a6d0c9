/** Two people changed one record: both versions side by side, and a choice for each field. */

import { Button, Group, Modal, Radio, Stack, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { useT } from "@/app/preferences";
import styles from "./ConflictDialog.module.css";
import { FieldValue } from "./FieldValue";
import { specFor } from "./History";
import { toSave, type Change, type Conflict, type Merge, type Side } from "./merge";
import { labelOf, type FieldSpec, type SectionSpec } from "./specs";
import { isEmpty } from "./values";

interface ConflictDialogProps {
  clash: Merge | undefined;
  sections: SectionSpec[];
  isSaving: boolean;
  /** Called with the names of my values that are to be saved. */
  onSave: (names: string[]) => void;
  onDiscard: () => void;
  onClose: () => void;
}

/** Bookkeeping that changes with every version says nothing to a person. */
const SILENT = new Set(["version", "updated_at", "created_at", "id", "deleted_at"]);

export function ConflictDialog({ clash, sections, isSaving, onSave, onDiscard, onClose }: ConflictDialogProps) {
  const t = useT();
  const [choices, setChoices] = useState<Record<string, Side>>({});
  useEffect(() => setChoices({}), [clash]);
  const others = (clash?.theirs ?? []).filter(({ name }) => !SILENT.has(name));
  return (
    <Modal opened={clash !== undefined} onClose={onClose} size="lg" title={t("conflict.title")} closeButtonProps={{ "aria-label": t("action.close") }}>
      {clash && (
        <Stack gap="md">
          <Text size="sm">{t(clash.conflicts.length > 0 ? "conflict.lead" : "conflict.noOverlap")}</Text>
          {clash.conflicts.map((conflict) => (
            <Choice
              key={conflict.name}
              conflict={conflict}
              sections={sections}
              side={choices[conflict.name] ?? "mine"}
              onChoose={(side) => setChoices((now) => ({ ...now, [conflict.name]: side }))}
            />
          ))}
          {others.length > 0 && (
            <section className={styles.others} aria-label={t("conflict.alsoChanged")}>
              <Text size="xs" c="dimmed">
                {t("conflict.alsoChanged")}
              </Text>
              <dl>
                {others.map((change) => (
                  <Also key={change.name} change={change} sections={sections} />
                ))}
              </dl>
            </section>
          )}
          <Group justify="space-between" gap={8}>
            <Button variant="subtle" color="gray" onClick={onDiscard}>
              {t("conflict.discard")}
            </Button>
            <Button loading={isSaving} onClick={() => onSave(toSave(clash, choices))} data-autofocus>
              {t("conflict.save")}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

/** What others changed and I did not: it stays as they left it. */
function Also({ change: { name, base, theirs }, sections }: { change: Change; sections: SectionSpec[] }) {
  const t = useT();
  const spec = specFor(name, sections) ?? { name, label: labelOf(name, t, []), type: "text" as const };
  return (
    <div>
      <dt>{spec.label}</dt>
      <dd>
        <Shown spec={spec} value={base} /> → <Shown spec={spec} value={theirs} />
      </dd>
    </div>
  );
}

function Shown({ spec, value }: { spec: FieldSpec; value: unknown }) {
  const t = useT();
  return isEmpty(value) ? t("history.nothing") : <FieldValue spec={spec} value={value} />;
}

interface ChoiceProps {
  conflict: Conflict;
  sections: SectionSpec[];
  side: Side;
  onChoose: (side: Side) => void;
}

function Choice({ conflict, sections, side, onChoose }: ChoiceProps) {
  const t = useT();
  const spec = specFor(conflict.name, sections) ?? { name: conflict.name, label: conflict.name, type: "text" as const };
  return (
    <Radio.Group
      value={side}
      onChange={(next) => onChoose(next as Side)}
      label={spec.label}
      description={
        <>
          {t("conflict.base")}：<Shown spec={spec} value={conflict.base} />
        </>
      }
      descriptionProps={{ component: "div" }}
    >
      <div className={styles.sides} role="presentation">
        {(["mine", "theirs"] as const).map((each) => (
          <label key={each} className={styles.side} data-chosen={side === each || undefined}>
            <Radio value={each} size="xs" aria-label={t("conflict.choice", { field: spec.label, side: t(`conflict.${each}`) })} />
            <span className={styles.text}>
              <span className={styles.who}>{t(`conflict.${each}`)}</span>
              <span><Shown spec={spec} value={conflict[each]} /></span>
            </span>
          </label>
        ))}
      </div>
    </Radio.Group>
  );
}

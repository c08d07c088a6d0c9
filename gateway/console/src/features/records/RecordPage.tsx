/** The page of one record: sections, history, deleting and taking it back. */

import { ActionIcon, Alert, Button, Group, Menu, Tabs, Text, Title } from "@mantine/core";
import { useDisclosure, useDocumentTitle } from "@mantine/hooks";
import { IconChevronLeft, IconCopy, IconDots, IconHistory, IconListDetails, IconRestore, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { fieldErrors, Problem } from "@/api/problem";
import type { Resource } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { Confirm } from "@/components/confirm";
import { messageOf } from "@/components/messages";
import { notifyDone, notifyFailed, notifyUndoable } from "@/components/notify";
import { useMay } from "@/components/permissions";
import { Failure, Loading } from "@/components/States";
import { changeRecord, deleteRecord, recordQuery, restoreRecord, type RecordView } from "./api";
import { ConflictDialog } from "./ConflictDialog";
import { History } from "./History";
import { mergeOf, type Merge } from "./merge";
import styles from "./RecordPage.module.css";
import { Section } from "./Section";
import { pathOf, type SectionSpec } from "./specs";
import { useToList } from "./useToList";
import { changedNames, flatten, nest, type Values } from "./values";

interface RecordPageProps {
  resource: Resource;
  id: string;
  sections: SectionSpec[];
  titleOf: (record: RecordView) => string;
  subtitleOf: (record: RecordView) => ReactNode;
  aside?: (record: RecordView) => ReactNode;
}

interface Editing {
  section: string;
  base: Values;
  version: number;
}

interface Clash {
  merge: Merge;
  mine: Values;
  version: number;
}

export function RecordPage(props: RecordPageProps) {
  const { resource, id } = props;
  const record = useQuery(recordQuery(resource, id));
  if (record.isPending) return <Loading />;
  if (record.error instanceof Problem && record.error.status === 404) return <Missing resource={resource} error={record.error} />;
  if (record.isError) return <Failure error={record.error} onRetry={() => void record.refetch()} />;
  return <Loaded key={id} {...props} record={record.data} />;
}

/** No record is here for the reader, and none comes by asking again. */
function Missing({ resource, error }: { resource: Resource; error: Problem }) {
  const { translate: t } = usePreferences();
  return (
    <Failure error={error} text={t(`record.missing.${resource}`)}>
      <Button component={Link} to={`/${pathOf(resource)}`} variant="default" mt={8}>
        {t("record.toList")}
      </Button>
    </Failure>
  );
}

function Loaded({ resource, id, sections, titleOf, subtitleOf, aside, record }: RecordPageProps & { record: RecordView }) {
  const { translate: t, format } = usePreferences();
  const may = useMay();
  const path = pathOf(resource);
  const toList = useToList(resource);
  const title = titleOf(record);
  useDocumentTitle(`${title} · ${t("app.name")}`);
  const removal = useRemoval(resource, record, title);
  const edit = useEdit(resource, id, record, sections, () => {
    const message = t("record.deletedMeanwhile", { name: title });
    if (may(`${path}:delete`)) notifyUndoable(message, { label: t("action.restore"), onUndo: removal.restore });
    else notifyFailed(message);
  });
  const isDeleted = record.deleted_at !== null;
  const mayUpdate = may(`${path}:update`) && !isDeleted;
  const values = edit.values;

  return (
    <div>
      <header className={styles.head}>
        <ActionIcon onClick={toList} variant="subtle" color="gray" size={30} aria-label={t(`${path}.title`)} className={styles.back}>
          <IconChevronLeft size={18} />
        </ActionIcon>
        <div className={styles.title}>
          <Title order={1} className="truncate">
            {title}
          </Title>
          <Text size="xs" c="dimmed" className="truncate" component="div">
            {subtitleOf(record)}
          </Text>
        </div>
        <Menu>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" size={32} aria-label={t("record.more")}>
              <IconDots size={18} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconCopy size={15} />} onClick={() => void navigator.clipboard.writeText(id)}>
              {t("record.copyId")}
            </Menu.Item>
            {may(`${path}:delete`) && !isDeleted && (
              <Menu.Item c="error" leftSection={<IconTrash size={15} />} onClick={removal.ask}>
                {t("action.delete")}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      </header>
      {isDeleted && (
        <Alert color="yellow" variant="light" m="md" mb={0} title={t("record.deletedTitle")} icon={<IconTrash size={16} />}>
          <Group justify="space-between">
            <Text size="sm">{t("record.deletedText")}</Text>
            {may(`${path}:delete`) && (
              <Button variant="default" leftSection={<IconRestore size={14} />} onClick={removal.restore}>
                {t("action.restore")}
              </Button>
            )}
          </Group>
        </Alert>
      )}
      <Tabs defaultValue="details" keepMounted={false} className={styles.tabs}>
        <Tabs.List px={20}>
          <Tabs.Tab value="details" leftSection={<IconListDetails size={15} />}>
            {t("record.details")}
          </Tabs.Tab>
          <Tabs.Tab value="history" leftSection={<IconHistory size={15} />}>
            {t("record.history")}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="details" className={styles.panel}>
          {sections.map((section) => (
            <Section
              key={section.key}
              section={section}
              values={values}
              isEditing={edit.section === section.key}
              onEdit={mayUpdate && edit.section === undefined ? () => edit.begin(section.key) : undefined}
              onCancel={edit.cancel}
              onSave={edit.save}
              isSaving={edit.isSaving}
              error={edit.section === section.key ? edit.error : null}
              errors={edit.section === section.key ? fieldErrors(edit.error) : {}}
            />
          ))}
          {aside?.(record)}
          <Text size="xs" c="dimmed" mt="md">
            {t("record.created")} {format.moment(record.created_at)} ・ {t("record.updated")} {format.moment(record.updated_at)}
          </Text>
        </Tabs.Panel>
        <Tabs.Panel value="history" className={styles.panel}>
          <History resource={resource} id={id} sections={sections} />
        </Tabs.Panel>
      </Tabs>
      <ConflictDialog clash={edit.clash?.merge} sections={sections} isSaving={edit.isSaving} onSave={edit.resolve} onDiscard={edit.discard} onClose={edit.closeClash} />
      <Confirm
        opened={removal.isAsking}
        title={t("record.confirmDelete", { name: title })}
        text={t("record.confirmDeleteText")}
        action={t("action.delete")}
        working={removal.isWorking}
        onConfirm={removal.confirm}
        onClose={removal.close}
      />
    </div>
  );
}

/** Editing a section, with what happens when somebody else was faster. */
function useEdit(resource: Resource, id: string, record: RecordView, sections: SectionSpec[], onDeleted: () => void) {
  const { translate: t } = usePreferences();
  const queries = useQueryClient();
  const [editing, setEditing] = useState<Editing>();
  const [clash, setClash] = useState<Clash>();
  const values = flatten(record);

  function take(saved: RecordView) {
    queries.setQueryData(recordQuery(resource, id).queryKey, saved);
    void queries.invalidateQueries({ queryKey: [resource, id, "history"] });
    void queries.invalidateQueries({ queryKey: [pathOf(resource), "list"] });
  }

  const saving = useMutation({
    mutationFn: ({ mine, names, version }: { mine: Values; names: string[]; version: number }) =>
      changeRecord(resource, id, version, nest(mine, names)),
    onSuccess: (saved) => {
      take(saved);
      setEditing(undefined);
      setClash(undefined);
      notifyDone(t("state.saved"));
    },
    onError: async (error, { mine }) => {
      if (!isOvertaken(error) || !editing) {
        // In the dialog there is no field to show it at.
        if (clash) notifyFailed(messageOf(error, t));
        return;
      }
      const current = await queries.fetchQuery({ ...recordQuery(resource, id), staleTime: 0 });
      if (current.deleted_at !== null) {
        // What was typed stays, to be saved once the record is back.
        setClash(undefined);
        onDeleted();
        return;
      }
      if (error.status !== 412) return;
      const fresh = flatten(current);
      const names = sections.flatMap((section) => section.fields.map((field) => field.name));
      setClash({ merge: mergeOf(editing.base, mine, fresh, names), mine, version: current.version });
    },
  });

  function save(draft: Values) {
    if (!editing || saving.isPending) return;
    const section = sections.find((each) => each.key === editing.section);
    const names = changedNames(editing.base, draft, section?.fields.map((field) => field.name) ?? []);
    if (names.length === 0) return cancel();
    saving.mutate({ mine: draft, names, version: editing.version });
  }

  function cancel() {
    setEditing(undefined);
    saving.reset();
  }

  return {
    values,
    section: editing?.section,
    begin: (section: string) => {
      saving.reset();
      setEditing({ section, base: values, version: record.version });
    },
    cancel,
    save,
    isSaving: saving.isPending,
    // A clash has its own dialog.
    error: saving.error instanceof Problem && saving.error.status === 412 ? null : saving.error,
    clash,
    resolve: (names: string[]) => {
      if (!clash) return;
      if (names.length === 0) {
        setClash(undefined);
        cancel();
      } else {
        saving.mutate({ mine: clash.mine, names, version: clash.version });
      }
    },
    discard: () => {
      setClash(undefined);
      cancel();
    },
    closeClash: () => setClash(undefined),
  };
}

/** Whether a change met a record that others had changed or deleted. */
function isOvertaken(error: unknown): error is Problem {
  return error instanceof Problem && [409, 412].includes(error.status);
}

function useRemoval(resource: Resource, record: RecordView, title: string) {
  const { translate: t } = usePreferences();
  const queries = useQueryClient();
  const toList = useToList(resource);
  const [isAsking, { open, close }] = useDisclosure();
  const path = pathOf(resource);
  const refresh = () => {
    void queries.invalidateQueries({ queryKey: [path, "list"] });
    void queries.invalidateQueries({ queryKey: [resource, record.id] });
  };
  const restoring = useMutation({
    mutationFn: () => restoreRecord(resource, record.id),
    onSuccess: () => {
      refresh();
      notifyDone(t("contacts.restored", { name: title }));
    },
    onError: (error) => notifyFailed(messageOf(error, t)),
  });
  const removing = useMutation({
    mutationFn: () => deleteRecord(resource, record.id, record.version),
    onSuccess: () => {
      close();
      refresh();
      notifyUndoable(t("contacts.deleted", { name: title }), { label: t("action.restore"), onUndo: () => restoring.mutate() });
      toList();
    },
    onError: (error) => {
      close();
      refresh();
      notifyFailed(messageOf(error, t));
    },
  });
  return {
    isAsking,
    ask: open,
    close,
    confirm: () => removing.mutate(),
    isWorking: removing.isPending,
    restore: () => restoring.mutate(),
  };
}

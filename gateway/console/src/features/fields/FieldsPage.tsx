/** The field designer: a tenant's own fields, by resource, in the order of forms. */

import { ActionIcon, Badge, Button, Group, Menu, SegmentedControl, Table, Text } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconDots, IconForms, IconLock, IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, ifMatch, take } from "@/api/client";
import { fieldsQuery } from "@/api/queries";
import type { Field, Resource } from "@/api/types";
import { useT } from "@/app/preferences";
import { Confirm } from "@/components/confirm";
import { messageOf } from "@/components/messages";
import { notifyDone, notifyFailed } from "@/components/notify";
import { Page } from "@/components/Page";
import { useMay, useMe } from "@/components/permissions";
import { Empty, Failure, Forbidden, Loading } from "@/components/States";
import { FieldDrawer } from "./FieldDrawer";
import { positionsAfterMove } from "./order";
import { mayChangeValues } from "./rights";
import { TYPE_ICONS } from "./types";

export function FieldsPage() {
  const t = useT();
  const may = useMay();
  return may("fields:manage") ? (
    <Designer />
  ) : (
    <Page title={t("fields.title")}>
      <Forbidden />
    </Page>
  );
}

function Designer() {
  const t = useT();
  const role = useMe()?.user.role;
  const [resource, setResource] = useState<Resource>("contact");
  const [edited, setEdited] = useState<Field | "new">();
  const [removed, setRemoved] = useState<Field>();
  const fields = useQuery(fieldsQuery(resource));
  const refresh = useRefresh(resource);
  const move = useMove(resource, fields.data ?? []);
  const removing = useMutation({
    mutationFn: (field: Field) => take(client.DELETE("/v1/fields/{field_id}", { params: { path: { field_id: field.id }, header: ifMatch(field.version) } })),
    onSuccess: (_, { label, key }) => notifyDone(t("fields.deleted", { label: label || key })),
    onError: (error) => notifyFailed(messageOf(error, t)),
    onSettled: () => {
      setRemoved(undefined);
      refresh();
    },
  });
  const add = (
    <Button leftSection={<IconPlus size={15} />} onClick={() => setEdited("new")}>
      {t("fields.add")}
    </Button>
  );
  return (
    <Page title={t("fields.title")} lead={t("fields.lead")} narrow actions={add}>
      <SegmentedControl
        size="sm"
        mb="md"
        value={resource}
        onChange={(value) => setResource(value as Resource)}
        data={(["contact", "company"] as const).map((value) => ({ value, label: t(`fields.of.${value}`) }))}
      />
      {fields.isPending ? (
        <Loading />
      ) : fields.isError ? (
        <Failure error={fields.error} onRetry={() => void fields.refetch()} />
      ) : fields.data.length === 0 ? (
        <Empty title={t("fields.emptyTitle")} text={t("fields.emptyText")} icon={IconForms}>
          {add}
        </Empty>
      ) : (
        <Table.ScrollContainer minWidth={520} type="native" tabIndex={0}>
          <Table verticalSpacing={6} fz="sm" highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("fields.label")}</Table.Th>
                <Table.Th>{t("fields.type")}</Table.Th>
                <Table.Th>{t("fields.flags")}</Table.Th>
                <Table.Th w={120} aria-label={t("record.more")} />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {fields.data.map((field, place) => (
                <FieldRow
                  key={field.id}
                  field={field}
                  isFirst={place === 0}
                  isLast={place === fields.data.length - 1}
                  isMoving={move.isPending}
                  onMove={(step) => move.mutate({ place, step })}
                  onEdit={() => setEdited(field)}
                  onDelete={mayChangeValues(field, role) ? () => setRemoved(field) : undefined}
                />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {edited && (
        <FieldDrawer
          resource={resource}
          field={edited === "new" ? undefined : edited}
          taken={(fields.data ?? []).map((field) => field.key)}
          onClose={() => setEdited(undefined)}
          onSaved={() => {
            setEdited(undefined);
            refresh();
          }}
        />
      )}
      <Confirm
        opened={removed !== undefined}
        title={t("fields.confirmDelete", { label: removed?.label ?? "" })}
        text={t("fields.confirmDeleteText")}
        action={t("action.delete")}
        working={removing.isPending}
        onConfirm={() => removed && removing.mutate(removed)}
        onClose={() => setRemoved(undefined)}
      />
    </Page>
  );
}

interface FieldRowProps {
  field: Field;
  isFirst: boolean;
  isLast: boolean;
  isMoving: boolean;
  onMove: (step: 1 | -1) => void;
  onEdit: () => void;
  /** Undefined for a role that may not delete the field. */
  onDelete?: () => void;
}

const FLAGS = ["required", "unique", "sensitive", "searchable", "sortable"] as const;

function FieldRow({ field, isFirst, isLast, isMoving, onMove, onEdit, onDelete }: FieldRowProps) {
  const t = useT();
  const Shown = TYPE_ICONS[field.type];
  const label = field.label || field.key;
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={500}>
          {label}
        </Text>
        {field.section && (
          <Text size="xs" c="dimmed">
            {field.section}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Group gap={6} wrap="nowrap">
          <Shown size={15} stroke={1.6} aria-hidden />
          {t(`type.${field.type}`)}
        </Group>
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          {FLAGS.filter((flag) => field[flag]).map((flag) => (
            <Badge key={flag} color={flag === "sensitive" ? "ai" : "gray"}>
              {t(`fields.${flag}`)}
            </Badge>
          ))}
          {field.read_roles && (
            <Badge color="ai" leftSection={<IconLock size={11} aria-hidden />}>
              {t("fields.restricted")}
            </Badge>
          )}
        </Group>
      </Table.Td>
      <Table.Td>
        <Group gap={2} justify="flex-end" wrap="nowrap">
          <ActionIcon variant="subtle" color="gray" disabled={isFirst || isMoving} aria-label={t("fields.moveUp", { label })} onClick={() => onMove(-1)}>
            <IconArrowUp size={15} />
          </ActionIcon>
          <ActionIcon variant="subtle" color="gray" disabled={isLast || isMoving} aria-label={t("fields.moveDown", { label })} onClick={() => onMove(1)}>
            <IconArrowDown size={15} />
          </ActionIcon>
          <Menu>
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={t("fields.more", { label })}>
                <IconDots size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconPencil size={15} />} onClick={onEdit}>
                {t("action.edit")}
              </Menu.Item>
              {onDelete && (
                <Menu.Item c="error" leftSection={<IconTrash size={15} />} onClick={onDelete}>
                  {t("action.delete")}
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

function useRefresh(resource: Resource): () => void {
  const queries = useQueryClient();
  return () => void queries.invalidateQueries({ queryKey: ["fields", resource] });
}

function useMove(resource: Resource, fields: readonly Field[]) {
  const t = useT();
  const refresh = useRefresh(resource);
  return useMutation({
    mutationFn: async ({ place, step }: { place: number; step: 1 | -1 }) => {
      for (const { field, position } of positionsAfterMove(fields, place, step)) {
        await take(
          client.PATCH("/v1/fields/{field_id}", {
            params: { path: { field_id: field.id }, header: ifMatch(field.version) },
            body: { position },
          }),
        );
      }
    },
    onError: (error) => notifyFailed(messageOf(error, t)),
    onSettled: refresh,
  });
}

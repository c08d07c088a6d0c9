/** One field's definition, new or changed. */

import { Button, Collapse, Drawer, Group, MultiSelect, NumberInput, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { client, ifMatch, newIdempotencyKey, take } from "@/api/client";
import { errorsBelow, errorsElsewhere, fieldErrors } from "@/api/problem";
import { rolesQuery } from "@/api/queries";
import type { Field, FieldInput, FieldPatch, FieldType, Option, Resource } from "@/api/types";
import { useT } from "@/app/preferences";
import { useGuarded } from "@/components/guarded";
import { PanelBoundary } from "@/components/PanelBoundary";
import { notifyDone } from "@/components/notify";
import { useMay, useMe } from "@/components/permissions";
import { FormError } from "@/components/States";
import { useDraft } from "@/components/useDraft";
import { useFocusOnFault } from "@/components/useFocusOnFault";
import { FieldInput as RecordFieldInput } from "@/features/records/FieldInput";
import { normal } from "@/features/records/values";
import { isKey } from "@/i18n";
import { keyOf } from "./keyOf";
import { choosable, written } from "./options";
import { OptionsEditor } from "./OptionsEditor";
import { mayAddRoles, mayChangeReading, mayChangeValues } from "./rights";
import { canBeSearched, canBeSorted, canBeUnique, FIELD_TYPES, hasLength, hasOptions, TYPE_ICONS } from "./types";

interface FieldDrawerProps {
  resource: Resource;
  field: Field | undefined;
  /** The keys of the resource's other fields. */
  taken: readonly string[];
  onClose: () => void;
  onSaved: () => void;
}

type Draft = Omit<FieldInput, "resource"> & { options: Option[]; type: FieldType; key: string };

const NAMES = ["label", "key", "type", "help", "section", "options", "scale", "currency", "link_resource", "max_length", "default", "required", "unique", "sensitive", "searchable", "sortable", "read_roles", "write_roles"];

export function FieldDrawer(props: FieldDrawerProps) {
  return (
    <PanelBoundary>
      <Editor {...props} />
    </PanelBoundary>
  );
}

function Editor({ resource, field, taken, onClose, onSaved }: FieldDrawerProps) {
  const t = useT();
  const role = useMe()?.user.role;
  const may = { values: !field || mayChangeValues(field, role), reading: !field || mayChangeReading(field, role) };
  const [initial] = useState<Draft>(() => (field ? draftOf(field) : emptyDraft()));
  const { draft, set, drop } = useDraft<Draft>(`field ${field?.id ?? resource} ${field?.version ?? ""}`, initial);
  const [isKeyOwn, setKeyOwn] = useState(false);
  const saving = useMutation({
    mutationFn: () =>
      field
        ? take(client.PATCH("/v1/fields/{field_id}", { params: { path: { field_id: field.id }, header: ifMatch(field.version) }, body: patchOf(sent()) }))
        : take(client.POST("/v1/fields", { headers: newIdempotencyKey(), body: { resource, ...inputOf(sent()) } })),
    onSuccess: () => {
      drop();
      notifyDone(t(field ? "fields.saved" : "fields.created", { label: draft.label ?? "" }));
      onSaved();
    },
  });
  /** Options that were left blank are not sent: the place of a fault is then the place that is shown. */
  function sent(): Draft {
    return { ...draft, options: written(draft.options) };
  }
  function giveUp() {
    drop();
    onClose();
  }
  const { close, guard } = useGuarded(!saving.isSuccess && JSON.stringify(draft) !== JSON.stringify(initial), giveUp);
  const errors = fieldErrors(saving.error);
  const form = useFocusOnFault(saving.error);
  function rename(label: string) {
    set(field || isKeyOwn ? { label } : { label, key: label.trim() === "" ? "" : keyOf(label, taken) });
  }
  function setOptions(options: Option[]) {
    const isStill = (value: unknown) => options.some((each) => each.value === value);
    const initialValue = Array.isArray(draft.default) ? draft.default.filter(isStill) : isStill(draft.default) ? draft.default : null;
    set({ options, default: Array.isArray(initialValue) && initialValue.length === 0 ? null : initialValue });
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    set({ options: written(draft.options) });
    saving.mutate();
  }
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size={460}
      title={t(field ? "fields.edit" : "fields.add")}
      closeButtonProps={{ "aria-label": t("action.close") }}
      transitionProps={{ duration: 120 }}
    >
      {guard}
      <form ref={form} onSubmit={submit} noValidate>
        <Stack gap="md" pb="lg">
          <FormError error={saving.error} others={errorsElsewhere(errors, NAMES)} />
          <TextInput label={t("fields.label")} value={draft.label} onChange={(event) => rename(event.currentTarget.value)} error={errors.label} disabled={!may.values} data-autofocus required withAsterisk={false} />
          <TypeSelect value={draft.type} onChange={(type) => set({ type, default: null })} isFixed={field !== undefined} error={errors.type} />
          {!may.values && (
            <Text size="sm" c="dimmed">
              {t("fields.valuesOfWriters")}
            </Text>
          )}
          {hasOptions(draft.type) && may.values && (
            <OptionsEditor options={draft.options} kept={field?.options ?? []} onChange={setOptions} errors={errorsBelow(errors, "options")} />
          )}
          {draft.type === "decimal" && (
            <NumberInput label={t("fields.scale")} min={0} max={6} value={draft.scale} onChange={(scale) => set({ scale: Number(scale) })} error={errors.scale} disabled={field !== undefined} />
          )}
          {draft.type === "money" && (
            <Select label={t("fields.currency")} data={["JPY", "USD", "EUR", "GBP", "CNY", "KRW"]} value={draft.currency} onChange={(currency) => set({ currency: currency ?? "JPY" })} error={errors.currency} allowDeselect={false} disabled={field !== undefined} />
          )}
          {draft.type === "link" && (
            <Select
              label={t("fields.linkResource")}
              data={(["contact", "company"] as const).map((value) => ({ value, label: t(`resource.${value}`) }))}
              value={draft.link_resource ?? null}
              onChange={(link_resource) => set({ link_resource })}
              error={errors.link_resource}
              disabled={field !== undefined}
            />
          )}
          {hasLength(draft.type) && (
            <NumberInput label={t("fields.maxLength")} min={1} max={20_000} value={draft.max_length ?? ""} onChange={(value) => set({ max_length: value === "" ? null : Number(value) })} error={errors.max_length} disabled={field !== undefined} />
          )}
          <TextInput label={t("fields.help")} value={draft.help} onChange={(event) => set({ help: event.currentTarget.value })} error={errors.help} />
          <TextInput label={t("fields.section")} description={t("fields.sectionHelp")} value={draft.section} onChange={(event) => set({ section: event.currentTarget.value })} error={errors.section} />
          {may.values && (
            <PanelBoundary>
              <Default draft={draft} set={set} errors={errors} />
            </PanelBoundary>
          )}
          <Flags draft={draft} set={set} isNew={field === undefined} may={may} errors={errors} />
          <Roles draft={draft} set={set} field={field} role={role} errors={errors} />
          <Key
            value={draft.key}
            isFixed={field !== undefined}
            error={errors.key}
            onChange={(key) => {
              setKeyOwn(true);
              set({ key });
            }}
          />
          <Group justify="flex-end" gap={8}>
            <Button variant="default" onClick={giveUp}>
              {t("action.cancel")}
            </Button>
            <Button type="submit" loading={saving.isPending}>
              {t("action.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Drawer>
  );
}

interface KeyProps {
  value: string;
  isFixed: boolean;
  error?: string;
  onChange: (key: string) => void;
}

/** The field's machine name, behind a toggle: it is proposed from the label. Opens when something is wrong with it. */
function Key({ value, isFixed, error, onChange }: KeyProps) {
  const t = useT();
  const [wanted, setWanted] = useState(false);
  const isOpen = wanted || error !== undefined;
  return (
    <div>
      <Button
        variant="subtle"
        color="gray"
        size="compact-sm"
        aria-expanded={isOpen}
        leftSection={isOpen ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}
        onClick={() => setWanted(!isOpen)}
      >
        {t("record.details")}
      </Button>
      <Collapse expanded={isOpen}>
        <TextInput
          mt={6}
          label={t("fields.key")}
          description={t("fields.keyHelp")}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          error={error}
          disabled={isFixed}
          classNames={{ input: "mono" }}
          autoCapitalize="off"
          spellCheck={false}
        />
      </Collapse>
    </div>
  );
}

interface TypeSelectProps {
  value: FieldType;
  onChange: (type: FieldType) => void;
  isFixed: boolean;
  error?: string;
}

function TypeSelect({ value, onChange, isFixed, error }: TypeSelectProps) {
  const t = useT();
  const Chosen = TYPE_ICONS[value];
  return (
    <Select
      label={t("fields.type")}
      description={t(`type.${value}.help`)}
      inputWrapperOrder={["label", "input", "description", "error"]}
      value={value}
      onChange={(type) => type && onChange(type as FieldType)}
      data={FIELD_TYPES.map((type) => ({ value: type, label: t(`type.${type}`) }))}
      leftSection={<Chosen size={16} stroke={1.6} />}
      renderOption={({ option }) => {
        const type = option.value as FieldType;
        const Shown = TYPE_ICONS[type];
        return (
          <Group gap={10} wrap="nowrap">
            <Shown size={17} stroke={1.6} aria-hidden />
            <div>
              <Text size="sm">{option.label}</Text>
              <Text size="xs" c="dimmed">
                {t(`type.${type}.help`)}
              </Text>
            </div>
          </Group>
        );
      }}
      allowDeselect={false}
      maxDropdownHeight={380}
      disabled={isFixed}
      error={error}
    />
  );
}

interface PartProps {
  draft: Draft;
  set: (part: Partial<Draft>) => void;
  errors: Record<string, string>;
}

/** What a new record has in the field: entered as the field itself will be. */
function Default({ draft, set, errors }: PartProps) {
  const t = useT();
  if (draft.unique) return null;
  const spec = {
    name: "default",
    label: t("fields.default"),
    type: draft.type,
    options: choosable(draft.options),
    scale: draft.scale,
    currency: draft.currency,
    linkResource: draft.link_resource,
  };
  return <RecordFieldInput spec={spec} value={draft.default ?? null} onChange={(value) => set({ default: normal(value) })} errors={errors} />;
}

interface FlagsProps extends PartProps {
  isNew: boolean;
  /** Whether the user may change what the values are, and how they are read. */
  may: { values: boolean; reading: boolean };
}

function Flags({ draft, set, isNew, may, errors }: FlagsProps) {
  const t = useT();
  const flags = [
    { name: "required", can: true, allowed: may.values },
    { name: "unique", can: canBeUnique(draft.type) && isNew, allowed: true },
    { name: "sensitive", can: true, allowed: may.reading },
    { name: "searchable", can: canBeSearched(draft.type), allowed: may.reading },
    { name: "sortable", can: canBeSorted(draft.type) && !draft.sensitive, allowed: may.reading },
  ] as const;
  return (
    <Stack gap="sm" role="group" aria-label={t("fields.flags")}>
      {flags.map(({ name, can, allowed }) => (
        <Switch
          key={name}
          size="sm"
          label={t(`fields.${name}`)}
          description={t(`fields.${name}Help`)}
          checked={draft[name] === true && (can || !isNew)}
          disabled={!can || !allowed}
          onChange={(event) => set({ [name]: event.currentTarget.checked })}
          error={errors[name]}
        />
      ))}
    </Stack>
  );
}

/** A role that may add none sees those of the list alone, of which it may remove some. */
function Roles({ draft, set, field, role, errors }: PartProps & { field: Field | undefined; role: string | undefined }) {
  const t = useT();
  const may = useMay();
  const { data: roles = [] } = useQuery({ ...rolesQuery, enabled: may("roles:read") });
  const data = roles.map(({ name }) => {
    const key = `role.${name}`;
    return { value: name, label: isKey(key) ? t(key) : name };
  });
  const adds = (name: "read_roles" | "write_roles") => !field || mayAddRoles(field[name], role);
  return (
    <>
      {(["read_roles", "write_roles"] as const).map((name) => (
        <MultiSelect
          key={name}
          label={t(name === "read_roles" ? "fields.readRoles" : "fields.writeRoles")}
          description={t(name === "read_roles" ? "fields.readRolesHelp" : "fields.writeRolesHelp")}
          placeholder={draft[name]?.length ? undefined : t("fields.everyRole")}
          data={adds(name) ? data : data.filter(({ value }) => field?.[name]?.includes(value))}
          value={draft[name] ?? []}
          onChange={(value) => (value.length > 0 || adds(name)) && set({ [name]: value.length === 0 ? null : value })}
          error={errors[name]}
          clearable={adds(name)}
        />
      ))}
    </>
  );
}

function emptyDraft(): Draft {
  return {
    key: "",
    type: "text",
    label: "",
    help: "",
    section: "",
    required: false,
    unique: false,
    sensitive: false,
    searchable: false,
    sortable: false,
    options: [],
    scale: 2,
    currency: "JPY",
    link_resource: null,
    max_length: null,
    default: null,
    read_roles: null,
    write_roles: null,
  };
}

function draftOf(field: Field): Draft {
  const { id: _id, version: _version, resource: _resource, position: _position, ...rest } = field;
  return { ...emptyDraft(), ...rest, options: [...field.options] };
}

/** What a new field says, without what its type does not have. */
function inputOf(draft: Draft): Omit<FieldInput, "resource"> {
  const { key, type, label, help, section, required, sensitive, default: initial, read_roles, write_roles } = draft;
  return {
    key,
    type,
    label,
    help,
    section,
    required,
    sensitive,
    read_roles,
    write_roles,
    default: draft.unique ? null : (initial ?? null),
    unique: canBeUnique(type) && draft.unique,
    searchable: canBeSearched(type) && draft.searchable,
    sortable: canBeSorted(type) && !sensitive && draft.sortable,
    ...(hasOptions(type) ? { options: draft.options } : {}),
    ...(type === "decimal" ? { scale: draft.scale } : {}),
    ...(type === "money" ? { currency: draft.currency } : {}),
    ...(type === "link" ? { link_resource: draft.link_resource } : {}),
    ...(hasLength(type) && draft.max_length ? { max_length: draft.max_length } : {}),
  };
}

function patchOf(draft: Draft): FieldPatch {
  const { key: _key, type, unique: _unique, scale: _scale, currency: _currency, link_resource: _link, max_length: _length, ...rest } = inputOf(draft);
  return hasOptions(type) ? { ...rest, options: draft.options } : rest;
}

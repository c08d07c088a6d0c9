import { Group, Text } from "@mantine/core";
import { IconAddressBook } from "@tabler/icons-react";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { client, take } from "@/api/client";
import type { ContactCard } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { UserName } from "@/components/people";
import { Lifecycle } from "@/features/records/FieldValue";
import { ListPage } from "@/features/records/ListPage";
import { nationalPhone } from "@/features/records/numbers";
import type { Column } from "@/features/records/RecordList";
import { displayKana, displayName } from "./names";

const route = getRouteApi("/inside/contacts");
const INITIAL = ["company", "department", "email", "phone", "lifecycle", "owner"];

export function ContactsPage() {
  const { translate: t } = usePreferences();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/contacts" });
  const columns = useContactColumns();
  return (
    <ListPage<ContactCard>
      resource="contact"
      icon={IconAddressBook}
      columns={columns}
      leadColumn="name"
      initial={INITIAL}
      compact={(contact) => <Compact contact={contact} />}
      ask={(body, signal) => take(client.POST("/v1/contacts/search", { body, signal }))}
      search={search}
      onSearch={(change) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true })}
      onOpen={(contact) => void navigate({ to: "/contacts/$id", params: { id: contact.id } })}
      filters={["lifecycle", "prefecture", "owner"]}
      prefectureField="address.prefecture"
      kana
      sorts={[
        { value: "newest", label: t("list.sort.new") },
        { value: "kana", label: t("list.sort.kana") },
        { value: "updated", label: t("list.sort.updated") },
      ]}
    />
  );
}

function useContactColumns(): Column<ContactCard>[] {
  const { translate: t, format } = usePreferences();
  return useMemo(
    () => [
      {
        key: "name",
        label: t("field.contactName"),
        width: "minmax(210px, 1.4fr)",
        show: (contact) => (
          <Link to="/contacts/$id" params={{ id: contact.id }} tabIndex={-1}>
            <Text span fw={550} size="sm">
              {displayName(contact)}
            </Text>
            <Text span c="dimmed" size="xs" ml={8}>
              {displayKana(contact)}
            </Text>
          </Link>
        ),
      },
      {
        key: "company",
        label: t("field.company_id"),
        width: "minmax(150px, 1.2fr)",
        show: (contact) =>
          contact.company_id ? (
            <Link to="/companies/$id" params={{ id: contact.company_id }} tabIndex={-1}>
              {contact.company_name}
            </Link>
          ) : (
            contact.company_name
          ),
      },
      { key: "department", label: t("list.departmentTitle"), width: "minmax(110px, .9fr)", show: (contact) => [contact.department, contact.title].filter(Boolean).join(" ") },
      { key: "email", label: t("field.email"), width: "minmax(170px, 1.1fr)", show: (contact) => contact.emails[0]?.address },
      { key: "phone", label: t("field.phone"), width: "128px", show: (contact) => <span className="tabular">{nationalPhone(contact.phones[0]?.number ?? "")}</span> },
      { key: "lifecycle", label: t("field.lifecycle"), width: "124px", show: (contact) => <Lifecycle value={contact.lifecycle} /> },
      { key: "prefecture", label: t("field.prefecture"), width: "84px", show: (contact) => contact.prefecture },
      { key: "owner", label: t("field.owner_id"), width: "112px", show: (contact) => <UserName id={contact.owner_id} /> },
      { key: "customer_code", label: t("field.customer_code"), width: "110px", show: (contact) => contact.customer_code },
      { key: "updated", label: t("field.updated_at"), width: "128px", show: (contact) => <span className="tabular">{format.brief(contact.updated_at)}</span> },
      { key: "created", label: t("field.created_at"), width: "128px", show: (contact) => <span className="tabular">{format.brief(contact.created_at)}</span> },
    ],
    [t, format],
  );
}

function Compact({ contact }: { contact: ContactCard }) {
  return (
    <>
      <Group justify="space-between" wrap="nowrap" gap={8}>
        <Text size="md" fw={550} className="truncate">
          {displayName(contact)}
          <Text span c="dimmed" size="xs" ml={8}>
            {displayKana(contact)}
          </Text>
        </Text>
        <Lifecycle value={contact.lifecycle} />
      </Group>
      <Text size="xs" c="dimmed" className="truncate">
        {[contact.company_name, contact.department, contact.title].filter(Boolean).join(" ・ ")}
      </Text>
    </>
  );
}

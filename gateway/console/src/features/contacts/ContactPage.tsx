import { Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { fieldsQuery } from "@/api/queries";
import type { ContactView } from "@/api/types";
import { useT } from "@/app/preferences";
import { useMe } from "@/components/permissions";
import { NewRecordPage } from "@/features/records/NewRecordPage";
import { RecordPage } from "@/features/records/RecordPage";
import { customSections, section, type SectionSpec } from "@/features/records/specs";
import { displayKana, displayName } from "./names";

const route = getRouteApi("/inside/contacts/$id");

export function ContactPage() {
  const { id } = route.useParams();
  const sections = useContactSections();
  return (
    <RecordPage
      resource="contact"
      id={id}
      sections={sections}
      titleOf={(record) => displayName(record as ContactView)}
      subtitleOf={(record) => <Subtitle contact={record as ContactView} />}
    />
  );
}

export function NewContactPage() {
  return <NewRecordPage resource="contact" sections={useContactSections()} />;
}

function Subtitle({ contact }: { contact: ContactView }) {
  const kana = displayKana(contact);
  return (
    <Group gap={8} wrap="nowrap" component="span">
      {kana && <span>{kana}</span>}
      {contact.company_id ? (
        <Link to="/companies/$id" params={{ id: contact.company_id }} style={{ color: "inherit" }}>
          {contact.company_name}
        </Link>
      ) : (
        contact.company_name
      )}
      {contact.title && <span>{contact.title}</span>}
    </Group>
  );
}

function useContactSections(): SectionSpec[] {
  const t = useT();
  const me = useMe();
  const { data: fields } = useQuery(fieldsQuery("contact"));
  return useMemo(
    () => [
      section(t, "name", "section.name", [
        { name: "family_name", required: true },
        { name: "given_name" },
        { name: "family_name_kana", type: "kana" },
        { name: "given_name_kana", type: "kana" },
      ]),
      section(t, "reach", "section.reach", [
        { name: "emails", type: "emails", initial: [{ address: "", kind: "work" }] },
        { name: "phones", type: "phones", initial: [{ number: "", kind: "work" }] },
      ]),
      section(t, "work", "section.work", [
        { name: "company_name", type: "company_name", help: "help.company_name" },
        { name: "department" },
        { name: "title" },
      ]),
      section(t, "address", "section.address", [
        { name: "address.postal_code", type: "postal_code" },
        { name: "address.prefecture", type: "prefecture" },
        { name: "address.city" },
        { name: "address.street" },
        { name: "address.building" },
      ]),
      section(t, "relation", "section.relation", [
        { name: "lifecycle", type: "lifecycle", initial: "lead" },
        { name: "owner_id", type: "user", initial: me?.user.id },
        { name: "customer_code" },
        { name: "birthday", type: "date" },
        { name: "tags", type: "tags", help: "help.tags" },
        { name: "notes", type: "long_text", wide: true },
      ]),
      ...customSections(t, fields ?? [], me?.user.role),
    ],
    [t, fields, me],
  );
}

import { Anchor, Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { client, take } from "@/api/client";
import { fieldsQuery } from "@/api/queries";
import type { CompanyView } from "@/api/types";
import { useT } from "@/app/preferences";
import { useMay, useMe } from "@/components/permissions";
import { displayKana, displayName } from "@/features/contacts/names";
import { NewRecordPage } from "@/features/records/NewRecordPage";
import { RecordPage } from "@/features/records/RecordPage";
import { customSections, section, type SectionSpec } from "@/features/records/specs";

const route = getRouteApi("/inside/companies/$id");

export function CompanyPage() {
  const { id } = route.useParams();
  const sections = useCompanySections();
  return (
    <RecordPage
      resource="company"
      id={id}
      sections={sections}
      titleOf={(record) => (record as CompanyView).name}
      subtitleOf={(record) => (record as CompanyView).name_kana}
      aside={() => <People companyId={id} />}
    />
  );
}

export function NewCompanyPage() {
  return <NewRecordPage resource="company" sections={useCompanySections()} />;
}

/** Those who work there. */
function People({ companyId }: { companyId: string }) {
  const t = useT();
  const may = useMay();
  const people = useQuery({
    queryKey: ["contacts", "list", "of-company", companyId],
    queryFn: () =>
      take(client.POST("/v1/contacts/search", { body: { filter: { field: "company_id", op: "eq", value: companyId }, limit: 50 } })),
    enabled: may("contacts:read"),
  });
  if (!people.data?.items.length) return null;
  return (
    <section>
      <Title order={2} size="h3" mt="md" mb={8}>
        {t("nav.contacts")}
      </Title>
      {people.data.items.map((contact) => (
        <Group key={contact.id} gap={10} py={4} wrap="nowrap">
          <Anchor component={Link} to={`/contacts/${contact.id}`} size="sm">
            {displayName(contact)}
          </Anchor>
          <Text size="xs" c="dimmed" className="truncate">
            {[displayKana(contact), contact.department, contact.title].filter(Boolean).join(" ・ ")}
          </Text>
        </Group>
      ))}
    </section>
  );
}

function useCompanySections(): SectionSpec[] {
  const t = useT();
  const me = useMe();
  const { data: fields } = useQuery(fieldsQuery("company"));
  return useMemo(
    () => [
      section(t, "company", "section.company", [
        { name: "name", required: true },
        { name: "name_kana", type: "kana" },
        { name: "phone", type: "phone" },
        { name: "url", type: "url" },
      ]),
      section(t, "business", "section.business", [
        { name: "corporate_number", help: "help.corporate_number" },
        { name: "registration_number", help: "help.registration_number" },
        { name: "capital", type: "money" },
        { name: "closing_month", type: "integer", help: "help.month" },
        { name: "founded_on", type: "date" },
      ]),
      section(t, "address", "section.address", [
        { name: "address.postal_code", type: "postal_code" },
        { name: "address.prefecture", type: "prefecture" },
        { name: "address.city" },
        { name: "address.street" },
        { name: "address.building" },
      ]),
      section(t, "relation", "section.relation", [
        { name: "owner_id", type: "user", initial: me?.user.id },
        { name: "tags", type: "tags", help: "help.tags" },
      ]),
      ...customSections(t, fields ?? [], me?.user.role),
    ],
    [t, fields, me],
  );
}

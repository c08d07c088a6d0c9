import { Text } from "@mantine/core";
import { IconBuilding } from "@tabler/icons-react";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { client, take } from "@/api/client";
import type { CompanyCard } from "@/api/types";
import { usePreferences } from "@/app/preferences";
import { UserName } from "@/components/people";
import { ListPage } from "@/features/records/ListPage";
import { nationalPhone } from "@/features/records/numbers";
import type { Column } from "@/features/records/RecordList";

const route = getRouteApi("/inside/companies");
const INITIAL = ["corporate_number", "phone", "prefecture", "owner", "updated"];

export function CompaniesPage() {
  const { translate: t } = usePreferences();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/companies" });
  const columns = useCompanyColumns();
  return (
    <ListPage<CompanyCard>
      resource="company"
      icon={IconBuilding}
      columns={columns}
      leadColumn="name"
      initial={INITIAL}
      compact={(company) => <Compact company={company} />}
      ask={(body, signal) => take(client.POST("/v1/companies/search", { body, signal }))}
      search={search}
      onSearch={(change) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true })}
      onOpen={(company) => void navigate({ to: "/companies/$id", params: { id: company.id } })}
      filters={["prefecture", "owner"]}
      prefectureField="address.prefecture"
      sorts={[
        { value: "newest", label: t("list.sort.new") },
        { value: "name", label: t("list.sort.name") },
        { value: "updated", label: t("list.sort.updated") },
      ]}
    />
  );
}

function useCompanyColumns(): Column<CompanyCard>[] {
  const { translate: t, format } = usePreferences();
  return useMemo(
    () => [
      {
        key: "name",
        label: t("field.name"),
        width: "minmax(260px, 2fr)",
        show: (company) => (
          <Link to="/companies/$id" params={{ id: company.id }} tabIndex={-1}>
            <Text span fw={550} size="sm">
              {company.name}
            </Text>
            <Text span c="dimmed" size="xs" ml={8}>
              {company.name_kana}
            </Text>
          </Link>
        ),
      },
      { key: "corporate_number", label: t("field.corporate_number"), width: "140px", show: (company) => <span className="tabular">{company.corporate_number}</span> },
      { key: "phone", label: t("field.phone"), width: "128px", show: (company) => <span className="tabular">{nationalPhone(company.phone ?? "")}</span> },
      { key: "prefecture", label: t("field.address"), width: "minmax(140px, 1fr)", show: (company) => [company.prefecture, company.city].filter(Boolean).join("") },
      { key: "owner", label: t("field.owner_id"), width: "120px", show: (company) => <UserName id={company.owner_id} /> },
      { key: "updated", label: t("field.updated_at"), width: "128px", show: (company) => <span className="tabular">{format.brief(company.updated_at)}</span> },
      { key: "created", label: t("field.created_at"), width: "128px", show: (company) => <span className="tabular">{format.brief(company.created_at)}</span> },
    ],
    [t, format],
  );
}

function Compact({ company }: { company: CompanyCard }) {
  return (
    <>
      <Text size="md" fw={550} className="truncate">
        {company.name}
      </Text>
      <Text size="xs" c="dimmed" className="truncate">
        {[company.prefecture && `${company.prefecture}${company.city ?? ""}`, nationalPhone(company.phone ?? "")].filter(Boolean).join(" ・ ")}
      </Text>
    </>
  );
}

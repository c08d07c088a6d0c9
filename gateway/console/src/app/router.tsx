/** Every address of the console. Pages arrive when they are visited. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { Problem } from "@/api/problem";
import { meQuery } from "@/api/queries";
import { readListSearch } from "@/features/records/search";
import { Crash, NotFound, Root } from "./Frames";
import { queryClient } from "./queryClient";
import { Shell } from "./Shell";

const root = createRootRoute({ component: Root, notFoundComponent: NotFound, errorComponent: Crash });

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  errorComponent: Crash,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        throw redirect({ to: "/sign-in", search: { next: location.pathname === "/" ? undefined : location.href } });
      }
      throw error;
    }
  },
});

const home = createRoute({
  getParentRoute: () => inside,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/contacts" });
  },
});

const contacts = createRoute({
  getParentRoute: () => inside,
  path: "/contacts",
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import("@/features/contacts/ContactsPage"), "ContactsPage"),
});
const newContact = createRoute({
  getParentRoute: () => inside,
  path: "/contacts/new",
  component: lazyRouteComponent(() => import("@/features/contacts/ContactPage"), "NewContactPage"),
});
const contact = createRoute({
  getParentRoute: () => inside,
  path: "/contacts/$id",
  component: lazyRouteComponent(() => import("@/features/contacts/ContactPage"), "ContactPage"),
});
const companies = createRoute({
  getParentRoute: () => inside,
  path: "/companies",
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import("@/features/companies/CompaniesPage"), "CompaniesPage"),
});
const newCompany = createRoute({
  getParentRoute: () => inside,
  path: "/companies/new",
  component: lazyRouteComponent(() => import("@/features/companies/CompanyPage"), "NewCompanyPage"),
});
const company = createRoute({
  getParentRoute: () => inside,
  path: "/companies/$id",
  component: lazyRouteComponent(() => import("@/features/companies/CompanyPage"), "CompanyPage"),
});
const imports = createRoute({
  getParentRoute: () => inside,
  path: "/imports",
  validateSearch: (search: Record<string, unknown>): { resource?: "contact" | "company" } => ({
    resource: search.resource === "company" ? "company" : undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/imports/UploadPage"), "UploadPage"),
});
const importRun = createRoute({
  getParentRoute: () => inside,
  path: "/imports/$id",
  component: lazyRouteComponent(() => import("@/features/imports/ImportPage"), "ImportPage"),
});
const audit = createRoute({
  getParentRoute: () => inside,
  path: "/audit",
  validateSearch: (search: Record<string, unknown>): Record<string, string> =>
    Object.fromEntries(
      ["show", "actor", "action", "record", "from", "to", "entry"].flatMap((name) =>
        typeof search[name] === "string" && search[name] ? [[name, search[name]]] : [],
      ),
    ),
  component: lazyRouteComponent(() => import("@/features/audit/AuditPage"), "AuditPage"),
});
const erasures = createRoute({
  getParentRoute: () => inside,
  path: "/audit/erasures",
  component: lazyRouteComponent(() => import("@/features/audit/ErasuresPage"), "ErasuresPage"),
});
const fields = createRoute({
  getParentRoute: () => inside,
  path: "/settings/fields",
  component: lazyRouteComponent(() => import("@/features/fields/FieldsPage"), "FieldsPage"),
});
const users = createRoute({
  getParentRoute: () => inside,
  path: "/settings/users",
  validateSearch: (search: Record<string, unknown>): { invite?: boolean } => ({
    invite: search.invite === true ? true : undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/people/UsersPage"), "UsersPage"),
});
const roles = createRoute({
  getParentRoute: () => inside,
  path: "/settings/roles",
  component: lazyRouteComponent(() => import("@/features/people/RolesPage"), "RolesPage"),
});
const teams = createRoute({
  getParentRoute: () => inside,
  path: "/settings/teams",
  component: lazyRouteComponent(() => import("@/features/people/TeamsPage"), "TeamsPage"),
});

const account = createRoute({
  getParentRoute: () => inside,
  path: "/account",
  component: lazyRouteComponent(() => import("@/features/account/AccountPage"), "AccountPage"),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): { next?: string } => ({
    next: typeof search.next === "string" && /^\/(?![/\\])/.test(search.next) ? search.next : undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/auth/SignInPage"), "SignInPage"),
});
const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  component: lazyRouteComponent(() => import("@/features/auth/SignUpPage"), "SignUpPage"),
});
const confirmEmail = createRoute({
  getParentRoute: () => root,
  path: "/confirm-email",
  component: lazyRouteComponent(() => import("@/features/auth/ConfirmEmailPage"), "ConfirmEmailPage"),
});
const acceptInvitation = createRoute({
  getParentRoute: () => root,
  path: "/accept-invitation",
  component: lazyRouteComponent(() => import("@/features/auth/AcceptInvitationPage"), "AcceptInvitationPage"),
});
const requestReset = createRoute({
  getParentRoute: () => root,
  path: "/forgot-password",
  component: lazyRouteComponent(() => import("@/features/auth/ResetPages"), "RequestResetPage"),
});
const completeReset = createRoute({
  getParentRoute: () => root,
  path: "/reset-password",
  component: lazyRouteComponent(() => import("@/features/auth/ResetPages"), "CompleteResetPage"),
});

const tree = root.addChildren([
  inside.addChildren([
    home,
    contacts,
    newContact,
    contact,
    companies,
    newCompany,
    company,
    imports,
    importRun,
    audit,
    erasures,
    fields,
    users,
    roles,
    teams,
    account,
  ]),
  signIn,
  signUp,
  confirmEmail,
  acceptInvitation,
  requestReset,
  completeReset,
]);

export const router = createRouter({ routeTree: tree, defaultPreload: "intent", scrollRestoration: false });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

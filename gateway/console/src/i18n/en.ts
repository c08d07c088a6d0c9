/** Every English text of the console; see `ja.ts`. */

import { account } from "./en/account";
import { audit } from "./en/audit";
import { common } from "./en/common";
import { erasure } from "./en/erasure";
import { fields } from "./en/fields";
import { imports } from "./en/imports";
import { people } from "./en/people";
import { records } from "./en/records";
import type { Catalogue } from "./ja";

export const en: Catalogue = { ...common, ...account, ...records, ...imports, ...fields, ...people, ...audit, ...erasure };

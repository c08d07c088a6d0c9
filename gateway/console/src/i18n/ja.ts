/** Every Japanese text of the console, by key. `en.ts` has the same keys: the types hold it, and a test. */

import { account } from "./ja/account";
import { audit } from "./ja/audit";
import { common } from "./ja/common";
import { erasure } from "./ja/erasure";
import { fields } from "./ja/fields";
import { imports } from "./ja/imports";
import { people } from "./ja/people";
import { records } from "./ja/records";

export const ja = { ...common, ...account, ...records, ...imports, ...fields, ...people, ...audit, ...erasure };

export type Key = keyof typeof ja;
export type Catalogue = Record<Key, string>;

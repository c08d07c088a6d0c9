/** The company code of the last sign-in on this device: a public handle, and tedious to type. */

const STORED = "daicho.tenant";

export function rememberedTenant(): string {
  try {
    return localStorage.getItem(STORED) ?? "";
  } catch {
    return "";
  }
}

export function rememberTenant(code: string): void {
  try {
    localStorage.setItem(STORED, code);
  } catch {
    // Storage is closed to us: the user types it again next time.
  }
}

/** Problem documents (RFC 9457) as the services send them, and what is made of an answer that is none. */

export interface FieldProblem {
  /** RFC 6901 pointer into what was sent. */
  pointer: string;
  code: string;
  detail: string;
}

export interface ProblemDocument {
  status: number;
  code: string;
  title?: string;
  detail?: string;
  errors?: FieldProblem[];
  /** Of a 412: the version that is current. */
  version?: number;
  retry_after?: number;
  /** Of a 413: how many bytes are taken. */
  limit?: number;
  incident?: string;
}

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: FieldProblem[];
  readonly document: ProblemDocument;

  constructor(document: ProblemDocument) {
    super(document.detail ?? document.title ?? document.code);
    this.name = "Problem";
    this.document = document;
    this.status = document.status;
    this.code = document.code;
    this.fields = document.errors ?? [];
  }

  /** Whether asking again may help: nobody was reached, or the service is away for a moment. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 502;
  }
}

/** The problem behind an answer's status and body, whatever the body is. */
export function problemOf(status: number, body: unknown): Problem {
  if (isDocument(body)) return new Problem({ ...body, status });
  return new Problem({ status, code: status === 0 ? "network" : "unexpected", detail: "" });
}

/** `/emails/0/address` → `emails.0.address`; the whole document is the empty name. */
export function nameOf(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .join(".");
}

export type FieldErrors = Record<string, string>;

/** What is wrong by field name; of several faults of a field the first. */
export function fieldErrors(error: unknown): FieldErrors {
  const found: FieldErrors = {};
  if (error instanceof Problem) {
    for (const field of error.fields) found[nameOf(field.pointer)] ??= field.detail;
  }
  return found;
}

/** The faults at `name` and below it, by what is left of their names (`""` is the field itself). */
export function errorsBelow(errors: FieldErrors, name: string): FieldErrors {
  const found: FieldErrors = {};
  for (const [key, text] of Object.entries(errors)) {
    if (key === name) found[""] = text;
    else if (key.startsWith(`${name}.`)) found[key.slice(name.length + 1)] = text;
  }
  return found;
}

/** The faults that no field of the form shows: those of `errors` outside `names`. */
export function errorsElsewhere(errors: FieldErrors, names: readonly string[]): string[] {
  return Object.entries(errors)
    .filter(([key]) => !names.some((name) => key === name || key.startsWith(`${name}.`)))
    .map(([key, text]) => (key === "" ? text : `${key}: ${text}`));
}

function isDocument(body: unknown): body is ProblemDocument {
  return typeof body === "object" && body !== null && "code" in body && typeof body.code === "string";
}

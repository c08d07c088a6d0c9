/** A short form: its values, what the API found wrong with them, and its sending. */

import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { errorsElsewhere, fieldErrors, Problem, type FieldErrors } from "@/api/problem";
import { useFocusOnFault } from "./useFocusOnFault";

interface FormOptions<V, R> {
  initial: V;
  send: (values: V) => Promise<R>;
  onDone: (result: R, values: V) => void;
  /** What the API calls the field where it is not the form's own name. */
  names?: Partial<Record<keyof V & string, string>>;
  /** The fields that faults of the whole belong to, by the fault's code. */
  faults?: Record<string, keyof V & string>;
}

export function useForm<V extends object, R>({ initial, send, onDone, names = {}, faults = {} }: FormOptions<V, R>) {
  const [values, setValues] = useState(initial);
  const [errors, setErrors] = useState<FieldErrors>({});
  const sending = useMutation({
    mutationFn: send,
    onSuccess: (result, sent) => onDone(result, sent),
    onError: (error) => {
      const place = placeOf(error);
      setErrors(place ? { [nameOf(place)]: error.message } : fieldErrors(error));
    },
  });
  const placeOf = (error: unknown) => (error instanceof Problem ? faults[error.code] : undefined);
  const ref = useFocusOnFault(sending.error);
  const keys = Object.keys(initial) as (keyof V & string)[];
  const nameOf = (key: keyof V & string) => (names as Partial<Record<string, string>>)[key] ?? key;

  function set<K extends keyof V & string>(key: K, value: V[K]): void {
    setValues((now) => ({ ...now, [key]: value }));
    setErrors(({ [nameOf(key)]: _, ...rest }) => rest);
  }

  return {
    values,
    set,
    setValues,
    /** Props of a text input. */
    text: (key: keyof V & string) => ({
      value: values[key] as string,
      onChange: (event: { currentTarget: { value: string } }) => set(key, event.currentTarget.value as V[typeof key]),
      error: errors[nameOf(key)],
      name: key,
    }),
    /** What went wrong and is shown at no field. */
    error: placeOf(sending.error) ? null : sending.error,
    errors,
    others: errorsElsewhere(errors, keys.map(nameOf)),
    isSending: sending.isPending,
    reset: () => {
      setValues(initial);
      setErrors({});
      sending.reset();
    },
    /** Props of the form itself. */
    form: {
      ref,
      noValidate: true,
      onSubmit: (event: FormEvent) => {
        event.preventDefault();
        setErrors({});
        sending.mutate(values);
      },
    },
  };
}

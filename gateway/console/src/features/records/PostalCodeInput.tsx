/** A postal code that fills in the rest of the address, as far as the code says it. */

import { Select, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { client, take } from "@/api/client";
import { useT } from "@/app/preferences";
import { postalDigits } from "./numbers";
import { filledFrom, type Place } from "./places";
import type { InputProps } from "./RecordSelect";
import type { Values } from "./values";

interface PostalCodeProps extends InputProps {
  value: string;
  onChange: (value: string) => void;
  /** The name of the field, such as `address.postal_code`; the other parts stand beside it. */
  name: string;
  /** Sets the other parts of the address; undefined where there are none. */
  onFill?: (change: (now: Values) => Values) => void;
}

export function PostalCodeInput({ value, onChange, name, onFill, ...common }: PostalCodeProps) {
  const t = useT();
  // An address that was there before is nobody's to overwrite: only a code that is typed now is looked up.
  const [wanted, setWanted] = useState("");
  const { data: places } = useQuery({
    queryKey: ["places", wanted],
    queryFn: async () => (await take(client.GET("/v1/postal-codes/{code}", { params: { path: { code: wanted } } }))).items,
    enabled: wanted !== "" && onFill !== undefined,
    staleTime: Infinity,
  });
  const group = name.slice(0, name.lastIndexOf("."));
  const filled = useRef("");
  function fill(place: Place) {
    const before = filled.current;
    filled.current = place.town;
    onFill?.((now) => ({ ...now, ...filledFrom(place, before, now, group) }));
  }
  useEffect(() => {
    const [first] = places ?? [];
    if (places && first) fill(places.length === 1 ? first : { ...first, town: "" });
    // Filled once for each code that was looked up.
  }, [places]);
  return (
    <Stack gap={6}>
      <TextInput
        {...common}
        value={value}
        inputMode="numeric"
        autoComplete="postal-code"
        onChange={(event) => {
          onChange(event.currentTarget.value);
          setWanted(postalDigits(event.currentTarget.value) ?? "");
        }}
        description={places?.length === 0 ? t("address.unknownCode") : common.description}
      />
      {places && places.length > 1 && (
        <Select
          size="xs"
          aria-label={t("address.town")}
          placeholder={t("address.chooseTown", { n: places.length })}
          data={places.map((place, index) => ({ value: String(index), label: place.town || place.city }))}
          onChange={(index) => {
            const place = places[Number(index)];
            if (index !== null && place) fill(place);
          }}
          searchable
        />
      )}
    </Stack>
  );
}

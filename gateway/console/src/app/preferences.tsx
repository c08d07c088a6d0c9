/** What a person chose on this device: language and calendar. */

import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { currentLanguage, keepLanguage, speak, t, type Language, type Translate } from "@/i18n";
import { formatters, type Calendar, type Formatters } from "./dates";

interface Preferences {
  language: Language;
  setLanguage: (language: Language) => void;
  calendar: Calendar;
  setCalendar: (calendar: Calendar) => void;
  translate: Translate;
  format: Formatters;
}

const Context = createContext<Preferences | null>(null);
const STORED = "daicho.calendar";

export function PreferencesProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [language, setLanguageState] = useState<Language>(currentLanguage);
  const [translate, setTranslate] = useState<Translate | null>(() => (currentLanguage() === "ja" ? t : null));
  const [calendar, setCalendarState] = useState<Calendar>(readCalendar);

  const setLanguage = useCallback(
    (wanted: Language) => {
      keepLanguage(wanted);
      void speak(wanted).then((words) => {
        setTranslate(() => words);
        setLanguageState(wanted);
        // Errors and labels that came from the API are in the other language.
        void queries.invalidateQueries();
      });
    },
    [queries],
  );
  useEffect(() => {
    void speak(currentLanguage()).then((words) => setTranslate(() => words));
  }, []);

  const setCalendar = useCallback((wanted: Calendar) => {
    setCalendarState(wanted);
    try {
      localStorage.setItem(STORED, wanted);
    } catch {
      // Storage is closed to us: the choice lasts as long as the page.
    }
  }, []);

  const value = useMemo(
    () =>
      translate && {
        language,
        setLanguage,
        calendar,
        setCalendar,
        translate,
        format: formatters(language, calendar),
      },
    [language, setLanguage, calendar, setCalendar, translate],
  );
  return value && <Context.Provider value={value}>{children}</Context.Provider>;
}

export function usePreferences(): Preferences {
  const found = useContext(Context);
  if (found === null) throw new Error("PreferencesProvider is missing");
  return found;
}

export function useT(): Translate {
  return usePreferences().translate;
}

export function useFormat(): Formatters {
  return usePreferences().format;
}

function readCalendar(): Calendar {
  try {
    return localStorage.getItem(STORED) === "japanese" ? "japanese" : "gregory";
  } catch {
    return "gregory";
  }
}

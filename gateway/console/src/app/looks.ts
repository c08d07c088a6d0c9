/** What a person may choose of how the console looks: language, a theme, a calendar. */

import { useMantineColorScheme } from "@mantine/core";
import { IconCalendar, IconDeviceDesktop, IconLanguage, IconMoon, IconSun, type Icon } from "@tabler/icons-react";
import { usePreferences } from "./preferences";

interface Choice {
  value: string;
  label: string;
  icon: Icon;
  /** The language that the label is in, where it is not the page's. */
  lang?: string;
  choose: () => void;
}

export interface Look {
  name: "language" | "theme" | "calendar";
  title: string;
  value: string;
  choices: Choice[];
}

const THEME_ICONS = { auto: IconDeviceDesktop, light: IconSun, dark: IconMoon };

export function useLooks(): Look[] {
  const { translate: t, language, setLanguage, calendar, setCalendar } = usePreferences();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return [
    {
      name: "language",
      title: t("menu.language"),
      value: language,
      choices: (["ja", "en"] as const).map((value) => ({ value, label: t(`language.${value}`), icon: IconLanguage, lang: value, choose: () => setLanguage(value) })),
    },
    {
      name: "theme",
      title: t("menu.theme"),
      value: colorScheme,
      choices: (["auto", "light", "dark"] as const).map((value) => ({ value, label: t(`menu.theme.${value}`), icon: THEME_ICONS[value], choose: () => setColorScheme(value) })),
    },
    {
      name: "calendar",
      title: t("menu.calendar"),
      value: calendar,
      choices: (["gregory", "japanese"] as const).map((value) => ({ value, label: t(`menu.calendar.${value}`), icon: IconCalendar, choose: () => setCalendar(value) })),
    },
  ];
}

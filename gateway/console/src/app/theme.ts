/** The look: quiet, dense, indigo on slate. Colours are chosen for AA contrast on both grounds. */

import {
  Alert,
  Badge,
  Button,
  createTheme,
  Fieldset,
  Input,
  Menu,
  Modal,
  Tooltip,
  type MantineColorsTuple,
  type MantineColorSchemeManager,
  type MantineColorScheme,
} from "@mantine/core";

const ai: MantineColorsTuple = [
  "#eef5f9",
  "#d9e8f0",
  "#b3d1e1",
  "#88b7d0",
  "#629fc0",
  "#4389ad",
  "#2c7397",
  "#206384",
  "#17587a",
  "#0f4260",
];
const gray: MantineColorsTuple = [
  "#f7f8fa",
  "#f0f2f5",
  "#e4e7ec",
  "#d5dae1",
  "#b6bdc8",
  "#8a93a1",
  "#5c6675",
  "#434c5a",
  "#2c333e",
  "#181d26",
];
const dark: MantineColorsTuple = [
  "#dfe3ea",
  "#bcc3cf",
  "#98a1b0",
  "#5f6877",
  "#363d49",
  "#282e38",
  "#1e232b",
  "#16191f",
  "#101319",
  "#0b0d11",
];

export const theme = createTheme({
  primaryColor: "ai",
  primaryShade: { light: 8, dark: 6 },
  colors: { ai, gray, dark },
  black: "#1d232c",
  fontFamily:
    '-apple-system, BlinkMacSystemFont, "Segoe UI", "Hiragino Sans", "Noto Sans JP", "Noto Sans CJK JP", "Yu Gothic UI", Meiryo, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono CJK JP", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.25rem", lineHeight: "1.4" },
      h2: { fontSize: "1rem", lineHeight: "1.4" },
      h3: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  defaultRadius: "sm",
  radius: { xs: "3px", sm: "6px", md: "8px", lg: "12px", xl: "16px" },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Alert: Alert.extend({ styles: { title: { color: "var(--ink)" } } }),
    Button: Button.extend({ defaultProps: { size: "xs", fw: 500 } }),
    Badge: Badge.extend({ defaultProps: { variant: "light", size: "sm", radius: "sm", tt: "none", fw: 500 } }),
    Input: Input.extend({ defaultProps: { size: "sm" } }),
    InputWrapper: Input.Wrapper.extend({ defaultProps: { size: "sm" } }),
    Fieldset: Fieldset.extend({ styles: { root: { marginInline: 0, paddingInline: 0 } } }),
    Menu: Menu.extend({ defaultProps: { shadow: "md", radius: "md", position: "bottom-end", withInitialFocusPlaceholder: false, transitionProps: { duration: 80 } } }),
    Modal: Modal.extend({ defaultProps: { radius: "md", centered: true, transitionProps: { duration: 120 } } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 400, events: { hover: true, focus: true, touch: false } } }),
  },
});

const STORED = "daicho.theme";

/** Keeps the wish where `theme.js` finds it before the first paint. */
export const colorSchemeManager: MantineColorSchemeManager = {
  get(fallback) {
    try {
      const wish = localStorage.getItem(STORED);
      return isScheme(wish) ? wish : fallback;
    } catch {
      return fallback;
    }
  },
  set(value) {
    try {
      localStorage.setItem(STORED, value);
    } catch {
      // Storage is closed to us: the choice lasts as long as the page.
    }
  },
  subscribe: () => undefined,
  unsubscribe: () => undefined,
  clear: () => undefined,
};

function isScheme(text: string | null): text is MantineColorScheme {
  return text === "auto" || text === "light" || text === "dark";
}

/** The console with everything around it that pages stand on. */

import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { PreferencesProvider } from "./preferences";
import { queryClient } from "./queryClient";
import { router } from "./router";
import { colorSchemeManager, theme } from "./theme";

const nonce = pageNonce();
if (nonce) setNonce(nonce);

export function App() {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={colorSchemeManager}
      getStyleNonce={() => nonce}
    >
      <Notifications position="top-center" limit={4} zIndex={400} />
      <QueryClientProvider client={queryClient}>
        <PreferencesProvider>
          <RouterProvider router={router} />
        </PreferencesProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

/** The policy of the page lets in only styles that carry this. */
function pageNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}

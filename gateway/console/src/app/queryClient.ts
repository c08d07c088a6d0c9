import { QueryClient } from "@tanstack/react-query";
import { Problem } from "@/api/problem";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // Without a network a question fails and says so, rather than to wait unseen; with one it is asked anew.
      networkMode: "always",
      refetchOnReconnect: true,
      // What the server refused it will refuse again; only what passes is worth another try.
      retry: (failures, error) => failures < 1 && (!(error instanceof Problem) || error.isPassing) && navigator.onLine,
      retryDelay: 600,
    },
    mutations: { retry: false, networkMode: "always" },
  },
});

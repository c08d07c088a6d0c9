// Runs before the first paint, so that a dark page never flashes white. A file of its own: the policy of the
// page allows no inline script.
(function () {
  var wish = "auto";
  try {
    wish = localStorage.getItem("daicho.theme") || "auto";
  } catch (_) {
    // Storage is closed to us: follow the system.
  }
  var dark = wish === "dark" || (wish !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();

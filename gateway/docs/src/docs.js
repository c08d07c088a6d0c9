window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  // The document is checked by our own tests; nobody else is asked.
  validatorUrl: null,
});

// The site's own colours follow the browser, and so does Swagger UI with this class.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// Landmarks and ranks of headings for those who listen to the page: Swagger UI has its own `main` below.
const around = (make) => (Part, { React }) => (given) =>
  make(React.createElement, React.createElement(Part, given), React.Fragment);
const landmarks = {
  OAS31Info: around((element, part) => element("div", { role: "banner" }, part)),
  FilterContainer: around((element, part) => element("div", { role: "search" }, part)),
  operations: around((element, part, together) =>
    element(together, null, element("h2", { className: "unseen" }, "Routes"), part),
  ),
};

SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#document",
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: false,
  plugins: [{ wrapComponents: landmarks }],
  validatorUrl: null, // nobody outside is asked
});

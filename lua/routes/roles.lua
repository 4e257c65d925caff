-- Who may call: the sets of roles that several routes have in common.
return {
  EVERYBODY = { "parent", "child", "service", "staff", "operator" },
  ADULTS = { "parent", "service", "staff", "operator" },
  PLATFORM = { "service", "staff", "operator" },
  FAMILY = { "parent", "child", "service" },
  FAMILY_AND_STAFF = { "parent", "child", "service", "staff" },
}

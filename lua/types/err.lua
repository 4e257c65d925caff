---@meta
-- How failures look in Lua. C raises these from bindings; lua/lib and actions return them as `nil, err`.

---@class err
---@field code string        stable: "invalid", "limit", "timeout", "busy", "unavailable", "db", "unknown", "cancelled", "script", "internal", or a code of the domain such as "too_early"
---@field message string     one sentence for a person
---@field sqlstate? string
---@field constraint? string

---@meta config
-- require "config" is the effective configuration of this generation (flag > environment > config.lua > default), read only,
-- nested as in config.lua, without secrets: config.auth.access_token_s.
return {}

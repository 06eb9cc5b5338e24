-- For wrk: each request carries a secret drawn from a whole file of them, one a line.
--
-- Arguments: the file ("" for no secret), the bytes of a line with its end (0 when lines differ), the path, what stands
-- before the secret in its header, and the seed of the draws.

local lines, text, width, before, after, count

function init(arguments)
  local file, path, prefix = arguments[1], arguments[3], arguments[4]
  width = tonumber(arguments[2])
  math.randomseed(tonumber(arguments[5]))
  before = "GET " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n" .. prefix
  after = "\r\n\r\n"
  if file == "" then
    width, count, text = 1, 1, ""
    -- The line end behind Host already ends the last header.
    after = "\r\n"
    return
  end
  local handle = assert(io.open(file, "rb"))
  text = handle:read("*a")
  handle:close()
  if width > 0 then
    -- A million keys stay one string: a table of them would take ten times the memory, and seconds.
    count = #text / width
    return
  end
  lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = before .. line .. after
  end
  count = #lines
end

function request()
  local number = math.random(count)
  if lines then
    return lines[number]
  end
  local start = (number - 1) * width + 1
  return before .. text:sub(start, start + width - 2) .. after
end

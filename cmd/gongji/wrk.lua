-- Posts the bills of a file in turn, each with a message id of its own: 30 characters, unique by run, thread and count.
local threads = 0
function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  heads, tails, count, at = {}, {}, 0, 0
  for line in io.lines(args[1]) do
    local from, to = line:find('"msgid":"[^"]*"')
    count = count + 1
    heads[count] = line:sub(1, from - 1) .. '"msgid":"' .. args[2] .. string.format("%02d", id)
    tails[count] = '"' .. line:sub(to + 1)
  end
  wide = 30 - #args[2] - 2
end

function request()
  at = at + 1
  local i = at % count + 1
  return wrk.format(nil, nil, nil, heads[i] .. string.format("%0" .. wide .. "d", at) .. tails[i])
end

-- Bills of a walk (world.go) a thread, each with a message id of its own: 30 characters. Arguments: file of identity numbers, run, walks, blocks, place of walk 0 in the lap of thin persons, seed.
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local floor, random, format = math.floor, math.random, string.format

function init(args)
  local f = assert(io.open(args[1], "rb"))
  numbers = f:read("*a")
  f:close()
  thins, riches, step = args[4] * 5, args[4] * 13, 0
  stride = {{thin_stride}} % thins
  from = (args[5] + number * floor(thins / args[3]) * stride) % thins
  head = 'POST /v1/settlements HTTP/1.1\r\nHost: ' .. wrk.host .. ':' .. wrk.port .. '\r\nContent-Type: application/json\r\nContent-Length: '
  prefix = format('\r\n\r\n{"msgid":"%s-%03d-', args[2], number)
  wide = '%0' .. (30 - #args[2] - 5) .. 'd","fixmedins_code":"P{{area}}%05d","psn_no":"%020d","mdtrt_cert_type":"02","mdtrt_cert_no":"%s","med_type":"41","insutype":"310",'
    .. '"medfee_sumamt":"%s","fund_pay_sumamt":"0.00","preselfpay_amt":"0.00","inscp_scp_amt":"%s","overlmt_selfpay":"0.00","fulamt_ownpay_amt":"0.00","opter":"D001","opter_name":"Bench"}'
  math.randomseed(args[6] + number)
end

function request()
  local n, i = step, 0
  step = n + 1
  if n * 4 % 15 < 4 then
    local t = (from + floor(n * 4 / 15) % thins * stride) % thins
    i = floor(t / 5) * 18 + t % 5 * 4 + 1
  else
    local r = random(0, riches - 1)
    local k = r % 13
    i = floor(r / 13) * 18 + k + floor((k + 2) / 3)
  end
  local fen = random({{bill_min}}, {{bill_max}})
  local yuan = format("%d.%02d", floor(fen / 100), fen % 100)
  local body = format(wide, n, random(0, {{institutions}} - 1), i, numbers:sub(i * 18 + 1, i * 18 + 18), yuan, yuan)
  return head .. (#body + #prefix - 4) .. prefix .. body
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(format("figures %d %d %d %d", summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout, e.status))
  for _, p in pairs({50, 90, 99, 99.9, 99.99}) do
    io.write(format(" %d", latency:percentile(p)))
  end
  io.write(format(" %d %d\n", latency.mean, latency.max))
end

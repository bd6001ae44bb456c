-- SPDX-License-Identifier: Apache-2.0
-- Makes wrk end with one line of JSON that bench/run reads; latencies are in microseconds.
function done(summary, latency)
	local e = summary.errors
	io.write(string.format(
		'RESULT {"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,' ..
		'"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\n',
		summary.requests, summary.duration, summary.bytes,
		latency:percentile(50), latency:percentile(99),
		e.connect, e.read, e.write, e.timeout, e.status))
end

# Reads what qemu/run_tests.sh printed and judges each program: everything
# that was planned has to have been run and to be "ok". The guest's config
# guarantees what the tests need, so SKIP and XFAIL are failures too.
#
# awk -v names="a_test b_test": prints for each program a line, then what went
# wrong in it, and at the very end "RESULT passed failed".

function wrong(what, block)
{
	failed++
	details = details "  " what "\n" block
}

function finish(status, seconds)
{
	if (plan == "")
		wrong(prog " printed no plan and exited with " status, block)
	else if (total != plan)
		wrong(prog " planned " plan " tests, ran " total, block)
	if (status != 0 && details == "")
		wrong(prog " exited with " status, block)
	if (details != "")
		printf "FAIL %-16s %d of %d\n%s", prog, good, plan ? plan : total, details
	else
		printf "ok   %-16s %d tests, %d s\n", prog, good, seconds
	passed += good
	seen[prog] = 1
	prog = ""
}

{ sub(/\r$/, "") }

/^## start / {
	prog = $3
	plan = details = block = ""
	total = good = 0
	next
}

/^## end / && $3 == prog {
	finish($4, $5)
	next
}

prog == "" { next }

# What a test said: from its RUN line, or the last result, on.
/^# +RUN / { block = "" }
{ block = block "  | " $0 "\n" }

/^1\.\.[0-9]+/ { plan = substr($1, 4) }

/^(not )?ok [0-9]+/ {
	total++
	name = $0
	sub(/^(not )?ok [0-9]+ *(- )?/, "", name)
	if (/^not ok/)
		wrong(name " failed", block)
	else if (/# *(SKIP|XFAIL|XPASS|TODO)/)
		wrong(name " counts as a failure", block)
	else
		good++
	block = ""
}

END {
	# The guest died in the middle of it.
	if (prog != "") {
		wrong(prog " did not end", block)
		total = plan = plan == "" ? "?" : plan
		finish(0, 0)
	}
	count = split(names, name_of, " ")
	for (i = 1; i <= count; i++) {
		if (!(name_of[i] in seen)) {
			printf "FAIL %-16s did not run\n", name_of[i]
			failed++
		}
	}
	print "RESULT " passed + 0 " " failed + 0
}

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Commands of documents (selftests/lib/blocks.sh), typed as they stand: by root on the lab's balancer,
# which is a machine of its own (selftests/lib/machine.sh) where mtlb is installed and mtlbd is a
# service. Source lab.sh's lib.sh and those two first.
#
#   typed_own "$@"; typed_up          the lab, the machine, and a shell in it
#   typed FILE TEST HEADING [FROM [TO]]   types a section's commands, or those from one on, up to another

# As in the machine.
mtlb()
{
	in_machine mtlb "$@"
}

api()
{
	curl -s --max-time 5 --unix-socket /run/mtlb/api.sock "http://mtlb/v1/$1"
}

# typed_run: in the machine; reads lines of doc_lines and runs their commands in its shell. After each
# it prints what that said, with "# " before, and "= ", its exit status, a tab, how it had to end.
typed_run()
{
	local end command status output look looks said
	output=$(mktemp)
	while IFS=$'\t' read -r _ end command; do
		status=0
		: >"$output" # or what the last one said is read before the next one begins
		if [ "$end" = stopped ]; then
			# once it has said something, or has had time to; mtlb-top, once it shows a sample
			case $command in
			mtlb-top*)
				TERM=xterm script -qefc "$command" /dev/null >"$output" 2>&1 </dev/null &
				said=' UTC' looks=600
				;;
			*)
				bash -c "exec $command" >"$output" 2>&1 </dev/null &
				said=. looks=20
				;;
			esac
			for ((look = 0; look < looks; look++)); do
				! grep -q "$said" "$output" && kill -0 %% 2>/dev/null || break
				sleep 0.05
			done
			! kill %% 2>/dev/null || status=stopped
			wait %%
			[ "$said" = . ] || grep -q "$said" "$output" || status="$status, without a sample in all the time"
		else
			eval "$command" >"$output" 2>&1 </dev/null || status=$?
		fi
		sed 's/^/# /' "$output"
		printf '\n= %s\t%s\n' "$status" "$end"
	done
	rm -f "$output"
}

# typed_up: the lab, and the machine with the shell, beside the source. `make` as it was told here, or
# all would be made anew.
typed_up()
{
	lab_up && machine_up / || return 1
	mkfifo "$RUN/typed" "$RUN/said"
	echo "/run/netns/$LAB-lb" >/run/mtlbd.netns
	ns lb chroot "$MACHINE" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C.UTF-8 HOME=/root bash -c "$(declare -f typed_run)
		make() { command make -s DEPS=skip O='${O:-build}' \"\$@\"; }
		cd '$LAB_ROOT' && typed_run" <"$RUN/typed" >"$RUN/said" 2>&1 &
	exec 7>"$RUN/typed" 8<"$RUN/said"
}

# typed_line LINE: of doc_lines. What the command said is in $RUN/answer.
typed_line()
{
	local line
	printf '%s\n' "$1" >&7
	: >"$RUN/answer"
	while IFS= read -r -t 60 line <&8; do
		case $line in
		'= '*)
			line=${line#= }
			[ "${line%%$'\t'*}" = "${line#*$'\t'}" ] ||
				{ echo "exit status ${line%%$'\t'*}, and not ${line#*$'\t'}" && return 1; }
			return
			;;
		'') ;;
		*)
			printf '%s\n' "$line"
			printf '%s\n' "${line#\# }" >>"$RUN/answer"
			;;
		esac
	done
	echo "no answer within a minute"
	return 1
}

# typed FILE TEST HEADING [FROM [TO]]: before and after are the scenario's own functions, called with
# the heading and the command.
typed()
{
	local file=$1 heading=$3 from=${4:-} to=${5:-} line command
	while IFS= read -r line <&3; do
		command=${line##*$'\t'}
		[ -z "$from" ] || [ "$command" = "$from" ] || continue
		from=
		before "$heading" "$command"
		doc_typed "$file" "$command"
		check "$file, $heading: $command" typed_line "$line"
		after "$heading" "$command"
		[ "$command" != "$to" ] || break
	done 3< <(doc_lines "$file" "$2" | grep -F "$heading"$'\t')
}

# typed_end TEST: what nobody has typed.
typed_end()
{
	is "no command of this test was left out" "$(doc_untyped "$1")" ""
	exec 7>&-
}

# What was installed is as the source has it, and the lab's own configuration is in /etc/mtlb.
typed_configure()
{
	CONFIG=$MACHINE/etc/mtlb
	rm -rf "$CONFIG" && cp -r "$LAB_DIR/config" "$CONFIG"
}

serves()
{
	requests client1 "$1" 20 "$RUN/out" && [ "$(succeeded "$RUN/out")" = 20 ]
}

/**
 * The program that puts another one into its sandbox, and a command of `kubectl exec` beside it: one process that asks the kernel for
 * all of it and then becomes what was wanted. It is Perl because every Debian has that (`perl-base` is essential there), Node cannot
 * make system calls before a program of its own begins, and a chain of util-linux's programs cost twice the CPU.
 *
 * It runs with the platform's rights until `become`, so nothing that a pod brings may steer it before: words of a pod are arguments of
 * the last `exec`, its variables come from a file that the platform alone can read and are set last.
 */

const numbers: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'mount => 165, unshare => 272, setns => 308, prctl => 157, capset => 126, setgroups => 116, setresgid => 119, setresuid => 117, sethostname => 170, setsid => 112',
  arm64:
    'mount => 40, unshare => 97, setns => 268, prctl => 167, capset => 91, setgroups => 159, setresgid => 149, setresuid => 147, sethostname => 161, setsid => 157',
};

const script = String.raw`use strict;
$0 = 'tsumugi-sandbox';
my %number = (NUMBERS);
my ($new_user, $new_others) = (0x10000000, 0x2c020000); # CLONE_NEWUSER; _NEWNS | _NEWUTS | _NEWIPC | _NEWPID
my ($bind, $bind_all, $remount, $private) = (0x1000, 0x5000, 0x20, 0x44000); # MS_BIND, | MS_REC; MS_PRIVATE | MS_REC
my ($death_signal, $drop_capability, $no_new_privileges, $ambient) = (1, 24, 38, 47); # PR_…
my ($control, $begun);
sub fail {
  print STDERR "sandbox: @_\n";
  syswrite $control, $begun ? "ended 128\n" : "failed $$ @_\n" if $control;
  exit 128;
}
sub ask { my ($name, @args) = @_; syscall($number{$name}, @args) >= 0 or fail "$name: $!" }
sub put { my ($text, $path) = @_; open my $file, '>', $path or fail "$path: $!"; syswrite $file, $text or fail "$path: $!" }
sub fields { my ($path) = @_; open my $file, '<', $path or fail "$path: $!"; local $/; split /\0/, <$file> // '' }
sub die_with_parent { ask 'prctl', $death_signal, 9, 0, 0, 0 }

# Root in it is this user. Entering one clears the parent-death signal.
sub user_namespace {
  my ($inside, $uid, $gid) = @_;
  ask 'unshare', $new_user;
  put 'deny', '/proc/self/setgroups';
  put "$inside $uid 1", '/proc/self/uid_map';
  put "$inside $gid 1", '/proc/self/gid_map';
}

# The first process of a pid namespace is a child of the one that asked for it. That one stays outside, and ends as its child did.
sub enter_as_child {
  my $child = fork // fail "fork: $!";
  undef $control unless $child;
  return unless $child;
  if (open my $line, '<&=', 3) { close $line }
  waitpid $child, 0;
  my $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
  syswrite $control, "ended $code\n" if $control;
  exit $code;
}

sub mount_all {
  my @mounts = @_;
  my @checks;
  while (@mounts) {
    my ($source, $target, $type, $flags, $data, $identity) = splice @mounts, 0, 6;
    my ($how, $more) = ($flags & $bind_all, $flags & ~$bind_all);
    ask 'mount', $source, $target, $type, $how || $more, $data;
    # A bind takes no other flags at first.
    ask 'mount', 'none', $target, 'none', $remount | $bind | $more, 0 if $how && $more;
    push @checks, [$target, $identity] if $identity ne '-';
  }
  # What a program may change must be mounted as it was found, and where it was to be.
  for (@checks) {
    my ($target, $identity) = @$_;
    sysopen my $file, $target, 010000000 or fail "$target: $!";
    join(':', (stat $file)[0, 1]) eq $identity && readlink('/proc/self/fd/' . fileno $file) eq $target
      or fail "what is to be mounted at $target has changed meanwhile";
  }
}

# No privileges from here on, and no way to new ones.
sub become {
  my ($enter_root, $identity, $variables, @command) = @_;
  my @variables = $variables eq '' ? () : fields($variables);
  user_namespace 1000, 0, 0 if $identity eq 'user';
  $enter_root->();
  for my $capability (0 .. 63) {
    next if syscall($number{prctl}, $drop_capability, $capability, 0, 0, 0) >= 0;
    # EINVAL: the kernel knows no more.
    $! == 22 && $capability > 0 ? last : fail "capabilities: $!";
  }
  if ($identity ne 'user') {
    ask 'setgroups', 0, 0;
    ask 'setresgid', ($identity + 0) x 3;
    ask 'setresuid', ($identity + 0) x 3;
  }
  ask 'prctl', $ambient, 4, 0, 0, 0;
  ask 'capset', pack('LL', 0x20080522, 0), pack('L6', (0) x 6);
  ask 'prctl', $no_new_privileges, 1, 0, 0, 0;
  # Last, as changing the user clears it.
  die_with_parent;
  /^(.*?)=(.*)$/s and $ENV{$1} = $2 for @variables;
  exec { $command[0] } @command;
  print STDERR "exec: $command[0]: $!\n";
  exit($! == 2 ? 127 : 126);
}

sub connect_as {
  my ($path, $who) = @_;
  socket my $line, 1, 1, 0 or fail "socket: $!";
  connect $line, pack 'S a*', 1, $path or fail "$path: $!";
  syswrite $line, "$who\n";
  $line;
}

# Stays, and begins what it is asked for: each in a process of its own, which goes on below. What is spoken is said in host/launcher.ts.
my $lifeline;
sub serve {
  die_with_parent;
  while (defined(my $length = <STDIN>)) {
    read(STDIN, my $request, $length) == $length or last;
    my ($what, @words) = split /\0/, $request, -1;
    if ($what eq 'release') { waitpid $words[0], 0; next }
    my ($path, $id, $stdin, $stdout, $stderr, $count) = splice @words, 0, 6;
    my $child = fork;
    next if $child;
    if (!defined $child) { syswrite connect_as($path, "control $id"), "failed 0 fork: $!\n"; next }
    # Descriptor 3 is what a program keeps.
    { local $^F = 3; $lifeline = connect_as($path, "lifeline $id") }
    $control = connect_as($path, "control $id");
    ask 'setsid';
    open STDIN, '<', $stdin or fail "stdin: $!";
    open STDOUT, '>', $stdout or fail "stdout: $!";
    open STDERR, '>', $stderr or fail "stderr: $!";
    %ENV = splice @words, 0, 2 * $count;
    # The first process of a namespace is spared what it does not handle: told to end before the program is there, it would never know.
    $SIG{TERM} = sub { syswrite $control, "ended 143\n" if $control; exit 143 };
    $begun = syswrite $control, "begun $$\n";
    @ARGV = @words;
    return;
  }
  exit 0;
}
serve() if $ARGV[0] eq 'serve';

my ($way, $identity, $variables) = splice @ARGV, 0, 3;
my @groups;
while ((my $group = shift) ne '--') { push @groups, $group }

if ($way eq 'launch') {
  my ($mounts, $root, $folder, $hostname) = splice @ARGV, 0, 4;
  user_namespace 0, $>, $) + 0 if $identity eq 'user';
  die_with_parent;
  ask 'unshare', $new_others;
  ask 'mount', 'none', '/', 'none', $private, 0;
  enter_as_child;
  put 0, $_ for @groups;
  ask 'sethostname', $hostname, length $hostname if $hostname ne '';
  mount_all(fields($mounts));
  become sub { chroot $root or fail "$root: $!"; chdir $folder or fail "chdir to $folder: $!" }, $identity, $variables, @ARGV;
} else {
  my ($outer, $first) = splice @ARGV, 0, 2;
  if ($identity eq 'user') {
    open my $user, '<', "/proc/$outer/ns/user" or fail "user: $!";
    ask 'setns', fileno $user, $new_user;
  }
  die_with_parent;
  put 0, $_ for @groups;
  # All that is needed is opened before it goes: what it had open of the host later would be a way out.
  my @namespaces = map { open my $file, '<', "/proc/$first/ns/$_" or fail "$_: $!"; $file } qw(uts ipc pid mnt);
  opendir my $root, "/proc/$first/root" or fail "root: $!";
  ask 'setns', fileno $_, 0 for @namespaces;
  enter_as_child;
  become sub { chdir $root && chroot '.' && chdir '/' or fail "root: $!" }, $identity, $variables, @ARGV;
}
`;

/**
 * The command. Stays with `serve` (`host/launcher.ts`); else goes before its words: `launch IDENTITY VARIABLES [CGROUP.PROCS…] -- MOUNTS ROOT CWD HOSTNAME COMMAND…`, or
 * `enter IDENTITY VARIABLES [CGROUP.PROCS…] -- OUTER FIRST COMMAND…`. VARIABLES and HOSTNAME may be empty.
 *
 * @throws Error on a machine whose numbers of system calls it does not know
 */
export function sandboxProgram(): readonly string[] {
  const known = numbers[process.arch];
  if (known === undefined) throw new Error(`it knows no system calls of ${process.arch}`);
  return ['perl', '-e', script.replace('NUMBERS', known), '--'];
}

/** A uid, or that of a plain user's own namespace. */
export const identityOf = (uid: number | undefined): string => (uid === undefined ? 'user' : String(uid));

"""A SLURM cluster of two nodes on this machine: Debian's packages, two fake GPUs, loopback only.

    python tests/slurm_cluster.py start FOLDER
    python tests/slurm_cluster.py stop FOLDER

It needs root, `slurm-wlm` and `munge`. Node n1 has the GPUs, of the type `fake`; n2 has none. What
the jobs had of them stands in FOLDER/gpus.tsv: start or end, time, job, node, GPUs.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

# SLURM's steps look nowhere else for it.
CONFIG = Path("/etc/slurm")
MARK = "# Written by tests/slurm_cluster.py of synth2real.\n"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
SECONDS_TO_START = 30
# Lines that say more than their names:
# - linuxproc and none: without systemd there are no control groups.
# - NoInAddrAny: daemons listen on the loopback interface alone.
# - config_overrides: the nodes may be larger than what the machine has.
# - cred_expire: seconds that a requeued job waits, elsewhere 120.
# - MinJobAge: how long squeue knows of a job that has ended.
SLURM_CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdParameters=config_overrides
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthInfo=socket={folder}/munge.socket,cred_expire=15
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=5,sched_min_interval=0,batch_sched_delay=0
GresTypes=gpu
Prolog={folder}/prolog
Epilog={folder}/epilog
PrologFlags=Alloc
ReturnToService=2
MinJobAge=7200
KillWait=5
NodeName=DEFAULT CPUs=4 RealMemory=64000
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={port1} Gres=gpu:fake:2
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={port2}
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=1-0 State=UP
"""
# Any device passes for a GPU.
GRES_CONF = """NodeName=n1 Name=gpu Type=fake File=/dev/null
NodeName=n1 Name=gpu Type=fake File=/dev/zero
"""
# SLURM_JOB_GPUS is not set for jobs without a GPU.
LOG_GPUS = """#!/bin/sh
printf '{event}\\t%s\\t%s\\t%s\\t%s\\n' \
"$(date +%s.%N)" "$SLURM_JOB_ID" "$SLURMD_NODENAME" "$SLURM_JOB_GPUS" >> {folder}/gpus.tsv
"""


def missing() -> str | None:
    """Why no cluster can be started here; None where one can."""
    if os.geteuid() != 0:
        return "a SLURM cluster needs root"
    if absent := [program for program in PROGRAMS if not shutil.which(program)]:
        return f"{', '.join(absent)}: not installed (apt-get install slurm-wlm munge)"
    if "SLURM_CONF" in os.environ:
        return "SLURM_CONF is set: this machine has a SLURM of its own"
    for path in (CONFIG / "slurm.conf", CONFIG / "gres.conf"):
        if path.exists():
            return f"{path}: this machine has a SLURM, or tests left one (its start says where)"
    return None


def start(folder: Path) -> None:
    """Starts the daemons and waits until both nodes are idle.

    Raises:
        RuntimeError: there can be no cluster here, or it does not come up; nothing is left of it.
    """
    if reason := missing():
        raise RuntimeError(reason)
    _configure(folder)
    try:
        _start_daemons(folder)
    except BaseException:
        stop(folder)
        raise


def _start_daemons(folder: Path) -> None:
    for name in ("key", "seed"):
        (folder / f"munge.{name}").write_bytes(os.urandom(1024))
        (folder / f"munge.{name}").chmod(0o600)
    files = {"key-file": "key", "seed-file": "seed", "pid-file": "pid", "log-file": "log"}
    options = [f"--{option}={folder}/munge.{name}" for option, name in files.items()]
    _run("munged", "--force", f"--socket={folder}/munge.socket", *options)
    _run("slurmctld")
    _run("slurmd", "-N", "n1")
    _run("slurmd", "-N", "n2")
    deadline = time.monotonic() + SECONDS_TO_START
    while states() != {"idle"}:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the nodes do not become idle; see the logs in {folder}")
        time.sleep(0.2)


def states() -> set[str]:
    """The nodes' states; empty while nobody answers."""
    return set(_run("sinfo", "--noheader", "--format=%T", check=False).split())


def stop(folder: Path) -> None:
    """Ends the jobs, then the daemons by the process ids that they wrote; no other cluster's."""
    conf = CONFIG / "slurm.conf"
    if not (conf.exists() and conf.read_text().startswith(f"{MARK}# {folder}\n")):
        return
    _run("scancel", "--user=root", "--full", "--signal=KILL", check=False)
    deadline = time.monotonic() + 10
    while _run("squeue", "--noheader", check=False) and time.monotonic() < deadline:
        time.sleep(0.2)
    for name in ("slurmd.n1", "slurmd.n2", "slurmctld", "munge"):
        _end(folder / f"{name}.pid")
    for name in ("slurm.conf", "gres.conf"):
        (CONFIG / name).unlink(missing_ok=True)


def _configure(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state").mkdir()
    for event, script in (("start", folder / "prolog"), ("end", folder / "epilog")):
        script.write_text(LOG_GPUS.format(event=event, folder=folder))
        script.chmod(0o755)
    port, port1, port2 = _free_ports(3)
    names = dict(folder=folder, host=socket.gethostname(), port=port, port1=port1, port2=port2)
    CONFIG.mkdir(parents=True, exist_ok=True)
    (CONFIG / "slurm.conf").write_text(f"{MARK}# {folder}\n" + SLURM_CONF.format(**names))
    (CONFIG / "gres.conf").write_text(MARK + GRES_CONF)


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _end(pid_file: Path) -> None:
    """Ends a daemon, and waits until it has; one that has left no id has ended."""
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        for _ in range(50):
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        pass


def _run(*command: str, check: bool = True) -> str:
    """Runs a program of SLURM's; what it prints."""
    result = subprocess.run(command, capture_output=True, text=True)
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        sys.exit(__doc__)
    {"start": start, "stop": stop}[sys.argv[1]](Path(sys.argv[2]).absolute())

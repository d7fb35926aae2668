"""A real Dask cluster of several processes: lost workers, and workers with disks of their own."""

import io
import os
import signal
import tarfile
import threading

import psutil
import pytest
from conftest import ROOT
from made_up_work import command, fake_state
from test_runner import journal, wait_for

from mer import MerError
from mer.experiments import cluster, parcels, plan

pytest.importorskip("distributed", reason="requirements-cluster.txt is not installed")


@pytest.fixture(scope="module")
def workers():
    """A cluster of three worker processes that import this program."""
    import distributed
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with distributed.LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as made:
        yield made


def run(state, monkeypatch, workers, **options):
    monkeypatch.setattr(cluster, "State", lambda plan, cfg: state)
    return cluster.run(state.plan, state.cfg, scheduler=workers.scheduler_address, **options)


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(workers, make_config, tmp_path, monkeypatch, capsys):
    needs = {command(tmp_path, f"c{n}", "--seconds", "0.8"): () for n in range(6)}
    end = command(tmp_path, "end")
    state = fake_state(make_config(folder=tmp_path), {**needs, end: tuple(needs)})
    lost, children = [], []

    def kill_one():
        wait_for(lambda: len(journal(tmp_path)) >= 2)
        import distributed
        with distributed.Client(workers.scheduler_address) as client:
            busy = {address: info["pid"] for address, info in client.run(
                lambda dask_worker: {"pid": os.getpid(), "busy": bool(dask_worker.state.executing)}).items()
                if info["busy"] and psutil.Process(info["pid"]).children()}
        lost.append(next(iter(busy.values())))
        children.extend(psutil.Process(lost[0]).children(recursive=True))
        os.kill(lost[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    assert run(state, monkeypatch, workers) == 0
    killer.join()
    assert lost and children and not any(child.is_running() for child in children)
    assert "1 of 1 cells are finished" in capsys.readouterr().out
    begun = [name for name, *_ in journal(tmp_path)]
    assert len(begun) > 7 and set(begun) == {"end", *(f"c{n}" for n in range(6))}, "the lost one was begun anew"


def test_workers_with_disks_of_their_own_send_files(workers, make_config, tmp_path, monkeypatch):
    one, bad = command(tmp_path, "one"), command(tmp_path, "bad", "--fail")
    cfg = make_config(f"path_to_models={tmp_path / 'here'}", folder=tmp_path)
    state = fake_state(cfg, {one: (), bad: ()})
    monkeypatch.setattr(type(state), "is_made", lambda self, command: (tmp_path / "here" / command[2]).exists())
    assert run(state, monkeypatch, workers, shared=False) == 1
    assert (tmp_path / "here" / "one").read_text() == "made\n" and not (tmp_path / "models").exists()
    assert "told to fail" in state.log(bad).read_text() and state.noted(one)["state"] == "done"


def test_a_worker_without_the_disk_says_what_to_do(workers, make_config, tmp_path, monkeypatch, capsys):
    state = fake_state(make_config(folder=tmp_path), {command(tmp_path, "one"): ()})
    monkeypatch.setattr(cluster.files, "write_text", lambda path, text: None)
    assert run(state, monkeypatch, workers) == 1
    assert "shares no disk with the runner: give --own-disks" in capsys.readouterr().err


def test_extraction_on_workers_gives_the_very_same_store(workers, data, make_config, tmp_path, monkeypatch):
    import generate_dataset
    stores = []
    for name, flags in (("here", []), ("there", ["--scheduler", workers.scheduler_address])):
        cfg = make_config(folder=tmp_path / name)
        for setting in ("path_to_data", "path_to_features"):
            monkeypatch.setenv(f"MER_{setting.upper()}", str(cfg.values[setting]))
        assert generate_dataset.main(["-d", "m", "-l", "e", "--strict", *flags]) == 0
        stores.append((tmp_path / name / "features" / "music_english.h5").read_bytes())
    assert stores[0] == stores[1] and not list(tmp_path.glob("there/features/seen.*"))


def test_workers_that_do_not_see_the_audio_are_refused(workers, make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster.corpora, "locate", lambda *_: tmp_path / "only here")
    with pytest.raises(MerError, match="does not see .*only here"), cluster.extraction(
            workers.scheduler_address, make_config(folder=tmp_path), "music", "e"):
        raise AssertionError("it began")


def test_a_parcel_holds_what_the_commands_before_have_made(make_config, tmp_path):
    cfg, text = make_config(folder=tmp_path), (
        'title = "A"\nquestion = "B?"\n[[cells]]\nencoder = "model_cpc"\nheard = "speech"\nlanguage = "e"\n'
        'mode = "Full"\nmusic = "e"\nfolds = 2\n')
    (tmp_path / "one.toml").write_text(text, encoding="utf-8")
    made = plan.read(tmp_path / "one.toml")
    wanted = {f"features/{name}" for name in ("music_english.h5", "speech_english.splits.csv",
                                              "music_english.fold_2of2.splits.csv")}
    heads = "models_trans/speech_eng_2_music_eng/model_cpc.multitask.spec.it_0.fold_2of2.lr_0.001"
    wanted |= {f"{heads}.weights.h5", f"{heads}/run.json"}
    wanted |= {"models/speech/english/model_cpc.it_0.subset_0.075.spec.best.weights.h5"}
    for name in [*wanted, "features/music_mandarin.h5", "models_trans/other/run.json"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert dict(parcels.needed(made, made.cells[0].commands[-1], cfg)) == {name: tmp_path / name for name in wanted}


def parcel(*members):
    """A .tar.gz of (name, kind, content)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, len(content), "/etc/passwd"
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize("name, kind", [
    ("../models/x", tarfile.REGTYPE), ("/etc/x", tarfile.REGTYPE), ("models/x", tarfile.SYMTYPE),
    ("models/x", tarfile.LNKTYPE), ("settings.py", tarfile.REGTYPE), ("models", tarfile.REGTYPE),
    ("mer/x.py", tarfile.REGTYPE)])
def test_what_a_worker_sends_goes_nowhere_else(make_config, tmp_path, name, kind):
    cfg = make_config(folder=tmp_path)
    good = ("models/good", tarfile.REGTYPE, b"good")
    with pytest.raises(MerError):
        parcels.put_in_place(parcel(good, (name, kind, b"" if kind != tarfile.REGTYPE else b"bad")), cfg)
    assert not (tmp_path / "models").exists() and not list(tmp_path.glob("results/.parcel*"))
    assert parcels.put_in_place(parcel(good), cfg) == [tmp_path / "models" / "good"]


def test_a_damaged_parcel_is_refused(make_config, tmp_path):
    whole = parcel(("models/good", tarfile.REGTYPE, os.urandom(5000)))
    with pytest.raises(MerError):
        parcels.put_in_place(whole[:-600], make_config(folder=tmp_path))


def test_run_json_is_put_in_place_last(make_config, tmp_path):
    cfg = make_config(folder=tmp_path)
    sent = parcel(("models/a/run.json", tarfile.REGTYPE, b"{}"), ("models/b", tarfile.REGTYPE, b""))
    assert [path.name for path in parcels.put_in_place(sent, cfg)] == ["b", "run.json"]

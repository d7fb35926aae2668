"""A transferred model -> one ONNX file, which predicts without Keras and starts in a fraction of the time.

    python3 export.py models_trans/speech_eng_2_music_eng/model_cpc.multitask.spec.it_0.lr_5e-05.weights.h5
    python3 export.py -s e -m e -mod model_cpc -rel y      the same, found by what it is
    python3 export.py MODEL -o small.onnx --compress       a quarter of the size, a little less exact

The file lies beside the weights, where quad_pred.py looks for it. It is compared with Keras before it is kept.
"""

import os

import models
from mer import MerError, cli, corpora


def main(argv=None):
    parser = cli.parser(__doc__)
    parser.add_argument("weights", nargs="*", metavar="MODEL",
                        help="transferred weights: .weights.h5 with its run.json, or .hdf5 of the release")
    parser.add_argument("-s", "--speech", choices=tuple(corpora.codes("speech")), help="language of the speech")
    parser.add_argument("-m", "--music", choices=tuple(corpora.codes("music")), help="language of the music")
    parser.add_argument("-mod", "--model", choices=models.names(), help="architecture")
    parser.add_argument("-rel", "--release", choices=("y", "n"), help="y: Full; n: Feat. Ext.")
    parser.add_argument("--run", type=cli.run_number, metavar="N", help="number of the run, it_N")
    parser.add_argument("-o", "--out", metavar="FILE", help="file to write (default: beside the weights, .onnx)")
    parser.add_argument("--compress", action="store_true",
                        help="a quarter of the size; the difference from Keras is printed and kept")
    args = parser.parse_args(argv)
    cfg = cli.configure(args.set)
    cli.announce(cfg)
    found = _find(cfg, args)
    if args.out and (len(found) > 1 or not args.out.endswith(".onnx")):
        raise MerError(f"-o {args.out} came for {len(found)} model(s), but it names one file that ends in .onnx: "
                       "export one model at a time, or leave -o out")
    from mer.weights import export
    for one in found:
        path = args.out or one.export_path
        facts = export.export(one, path, load_module=lambda name: models.load(name, pretexts=["denoise", "cpc", None]),
                              compress=args.compress)
        print(f"{path}: {os.path.getsize(path) / 1e6:.1f} MB, within {facts['max_difference']:.1e} of Keras"
              + (f" ({facts['compress']}; up to {facts['tolerance']:g} is allowed)" if args.compress else ""))


def _find(cfg, args):
    """The models named, or the one that quad_pred.py would choose with the same flags."""
    from mer.weights import catalogue
    wanted = {name: getattr(args, flag) for name, flag in (("speech", "speech"), ("music", "music"),
              ("model", "model"), ("release", "release"), ("it", "run"))}
    if bool(args.weights) == any(value is not None for value in wanted.values()):
        raise MerError("name the weights to export, or say which with -s, -m, -mod, -rel and --run: one of the two")
    return [catalogue.named(path) for path in args.weights] or catalogue.choose(cfg, **wanted)


if __name__ == "__main__":
    cli.run(main)

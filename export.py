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
    cli.add_model_flags(parser, speech=corpora.codes("speech"), music=corpora.codes("music"), model=models.names(),
                        release=("y", "n"))
    parser.add_argument("-o", "--out", metavar="FILE", help="file to write (default: beside the weights, .onnx)")
    parser.add_argument("--compress", action="store_true",
                        help="a quarter of the size; the difference from Keras is printed and kept")
    args = parser.parse_args(argv)
    cfg = cli.configure(args.set)
    from mer.weights import catalogue, export
    wanted = cli.wanted_model(args)
    if bool(args.weights) == any(value is not None for value in wanted.values()):
        raise MerError("name the weights to export, or say which with -s, -m, -mod, -rel and --run: one of the two")
    chosen = [catalogue.named(path) for path in args.weights] or catalogue.choose(cfg, **wanted)
    if args.out and (len(chosen) > 1 or not args.out.endswith(".onnx")):
        raise MerError(f"-o {args.out} came for {len(chosen)} model(s), but it names one file that ends in .onnx: "
                       "export one model at a time, or leave -o out")
    for one in chosen:
        path = args.out or one.export_path
        facts = export.export(one, path, load_module=models.load, compress=args.compress)
        print(f"{path}: {os.path.getsize(path) / 1e6:.1f} MB, within {facts['max_difference']:.1e} of Keras"
              + (f" ({facts['compress']}; up to {facts['tolerance']:g} is allowed)" if args.compress else ""))


if __name__ == "__main__":
    cli.run(main)

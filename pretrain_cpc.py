"""Stage 2: pretrain an encoder on speech by contrastive predictive coding (CPC).

    python3 pretrain_cpc.py -s e -mod model_cpc

Run it again after an interruption: it goes on with the epoch it was in.
"""


import models
from mer import cli, corpora


def main(argv=None):
    parser = cli.parser(__doc__, speech=corpora.codes("speech"), model=models.names())
    cli.add_hours(parser, "pretrain on the part of so many hours that generate_dataset.py --hours has chosen")
    args = cli.add_training_flags(parser).parse_args(argv)
    cfg = cli.configure(args.set)
    cli.announce(cfg)
    cli.start_keras()  # only now: -h and typos answer at once
    from mer.training import pretrain
    module = models.load(args.model, pretexts=["cpc"])
    for it in range(args.runs):
        pretrain.run(cfg, speech=args.speech, name=args.model, module=module, hours=args.hours, it=it,
                     force=args.force)


if __name__ == "__main__":
    cli.run(main)

"""A page in the browser: drop a song or record a few seconds, and see its path between calm and excited, unpleasant
and pleasant. It answers this computer only, unless --host says more. Needs requirements-app.txt.

    python3 app.py
    python3 app.py --port 8000 --no-browser
"""

import models
from mer import cli


def main(argv=None):
    flags = cli.parser(__doc__)
    flags.add_argument("--port", type=cli.number(1, 65_535, kind=int), metavar="N",
                       help="default: the first free one from 7860")
    flags.add_argument("--host", metavar="ADDRESS", help="answer at this address of this computer, for a phone in the "
                       "same house: every device that reaches it can then use the page")
    flags.add_argument("--no-browser", action="store_true", help="do not open a browser window")
    flags.add_argument("--upload-mb", type=cli.number(1, 10_000, "MB", kind=int), default=200, metavar="N",
                       help="largest file that is taken, in megabytes (default 200)")
    flags.add_argument("--demo", action="store_true", help="offer what bash demo.sh has trained")
    flags.add_argument("--weights", action="append", default=[], metavar="PATH",
                       help="offer this model instead of those found; may be repeated")
    args = flags.parse_args(argv)
    cfg = cli.configure(args.set)
    from mer.prediction import webpage, webserver
    from mer.prediction.listener import Listener
    from mer.weights import catalogue

    host = webserver.checked_host(args.host) if args.host else None
    with webserver.private_folder() as folder:
        found = [catalogue.named(path) for path in args.weights] or offered(catalogue, cfg, demo=args.demo)
        downloads = folder / "downloads"
        downloads.mkdir()
        listener = Listener(found, load_module=models.load, folder=downloads)
        webserver.serve(webpage.build(listener), port=args.port, browser=not args.no_browser,
                        upload_mb=args.upload_mb, look=webpage.look(), folder=folder,
                        host=host)


def offered(catalogue, cfg, *, demo):
    """The model that comes along and all that are here; or those of the demo corpus."""
    if demo:
        return catalogue.find(cfg, demo=True) or catalogue.choose(cfg, demo=True)
    return [catalogue.named(catalogue.SONG_MODEL), *catalogue.find(cfg)]


if __name__ == "__main__":
    cli.run(main)

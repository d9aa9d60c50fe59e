"""Downloads what may be downloaded, and says where to get the rest.

    python tools/download.py --dataset openpack --users U0102,U0103 --out ~/data/openpack --accept_licence
    python tools/download.py --dataset utd

OpenPack comes from Zenodo, an archive for each user, checked and unpacked; stopped at any moment, the same command goes
on. Its licence is CC BY-NC-SA 4.0: not for commercial use. The others are to be had from their owners, who are named.
"""

import sys
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages

FLAGS = flags.FLAGS
flags.DEFINE_enum("dataset", None, ["utd", "berkeley", "mmact", "openpack"], "Data set.", short_name="d", required=True)
flags.DEFINE_list("users", [], "Of OpenPack, whose archives: U0101 to U0111, U0201 to U0210. All, if none are named.")
flags.DEFINE_string("out", None, "Folder for the data. Default: data/<dataset>.")
flags.DEFINE_bool("accept_licence", False, "You have read OpenPack's licence, CC BY-NC-SA 4.0, and keep to it.")
flags.DEFINE_bool("keep_archives", False, "Leave the zips beside what was unpacked.")
flags.DEFINE_string("record", None, "Another address of the record, for mirrors.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.data import datasets
    from tfkd.data.recordings import DataError

    if FLAGS.dataset != "openpack":
        print(datasets.missing_data_message(FLAGS.dataset))
        sys.exit(1)
    if not FLAGS.accept_licence:
        sys.exit(
            "\nOpenPack is under CC BY-NC-SA 4.0 (https://creativecommons.org/licenses/by-nc-sa/4.0/): free with "
            "attribution, not for commercial use, what is made of it under the same licence. If you keep to that, add "
            "--accept_licence."
        )
    try:
        users = [user.strip().upper() for user in FLAGS.users if user.strip()]
        if FLAGS.users and not users:
            raise DataError(f"--users names nobody: {','.join(FLAGS.users)!r}. Without it, all archives are fetched.")
        get_openpack(Path(FLAGS.out or "data/openpack").expanduser(), users)
    except (DataError, OSError) as error:
        sys.exit(f"\n{error}")


def get_openpack(folder, users):
    """Fetches and unpacks the archives of some users, or of all."""
    from tfkd.data import download
    from tfkd.data.recordings import DataError

    files = download.files_of_record(FLAGS.record or download.OPENPACK)
    known = sorted(Path(name).stem for name in files if name.startswith("U") and name.endswith(".zip"))
    if unknown := sorted(set(users) - set(known)):
        raise DataError(f"--users names {', '.join(unknown)}; the record has {', '.join(known)}.")
    for user in users or known:
        done = folder / user
        if done.is_dir():
            print(f"{done} is there")
            continue
        archive = download.fetch(files[f"{user}.zip"], folder)
        download.unpack(archive, folder)
        if not FLAGS.keep_archives:
            archive.unlink()
    print(f"\nNext: python tools/check_data.py --dataset openpack --data_dir {folder}")


if __name__ == "__main__":
    app.run(main)

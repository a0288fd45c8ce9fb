"""Process many files, on local processes or a Dask cluster: any order gives the same bytes."""

from kmcodec.batch.cluster import ClusterExecutor
from kmcodec.batch.decoding import DecodeReport, decode_file, decode_files
from kmcodec.batch.encoding import EncodeReport, encode_file, encode_files
from kmcodec.batch.finding import JobError
from kmcodec.batch.planning import Job, plan
from kmcodec.batch.pool import Done, LocalPool
from kmcodec.batch.shared_palettes import shared_palette

__all__ = [
    "ClusterExecutor",
    "DecodeReport",
    "Done",
    "EncodeReport",
    "Job",
    "JobError",
    "LocalPool",
    "decode_file",
    "decode_files",
    "encode_file",
    "encode_files",
    "plan",
    "shared_palette",
]

# The synthetic images, some of them set apart for testing.
#   in:  a source of src/synth2real/sources/ (synthetic: in the configuration), or results/fonts/
#   out: results/synthetic/{train,test}.npz (images, labels, source)
#        results/synthetic/left_out.csv, what could not be used (images.skip_bad)

SYNTHETIC = EXPERIMENT.synthetic_source
FROM_FONTS = SYNTHETIC.kind == "fonts"


rule synthetic:
    input:
        code=code("synthetic.py"),
        spec=SPEC,
        real_tests=expand("results/{fold}real/test.npz", fold=FOLDS),
        fonts="results/fonts/fonts.csv" if FROM_FONTS else [],
        # Their table holds their digests. Of folders Snakemake compares times alone, and a copy of a
        # finished experiment has others.
        files=ancient("results/fonts/files") if FROM_FONTS else [],
    output:
        train="results/synthetic/train.npz",
        test="results/synthetic/test.npz",
        left_out="results/synthetic/left_out.csv",
    log:
        "results/logs/synthetic.log",
    benchmark:
        "results/benchmarks/synthetic.tsv"
    localrule: True
    conda:
        CONDA_ENV
    threads: readers(SYNTHETIC)
    resources:
        mem_mb=memory(1000, N_SYNTHETIC),
        runtime=more(30),
    params:
        config=asdict(EXPERIMENT.synthetic),
        skip_bad=EXPERIMENT.images.skip_bad,
        source=asdict(SYNTHETIC),
        render=asdict(EXPERIMENT.render) if FROM_FONTS else None,
        digest=None if FROM_FONTS else digest(SYNTHETIC),
    script:
        "../workflow/scripts/synthetic.py"

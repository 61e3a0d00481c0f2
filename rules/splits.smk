# Which real and which font images an experiment at ratio r has.
#   in:  results/mnist/train.npz, results/render/train.npz
#   out: results/r{ratio}/splits/split.npz (indices into both)


rule splits:
    input:
        code=code("splits.py"),
        mnist="results/mnist/train.npz",
        font="results/render/train.npz",
    output:
        "results/r{ratio}/splits/split.npz",
    log:
        "results/logs/r{ratio}/splits.log",
    # Every ratio's first, or a GAN would wait for its split behind another ratio's classifiers.
    priority: 2
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        config=asdict(EXPERIMENT.splits),
    script:
        "../workflow/scripts/splits.py"

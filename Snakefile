# The experiment of "Exploiting synthetic images for real-world image recognition" (Maton, Huijser,
# van Gemert, Kayhan): do synthetic images, converted by a GAN, help a classifier of real ones?
#
#   fonts -> render -+-> splits -> gan -> convert -+-> classify -+-> figures
#            mnist --+-----------------------------+-> gap ------+
#
# Each stage has a file of its name in rules/, workflow/scripts/ and src/synth2real/, and a folder
# in results/.

from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config.yaml"


report: "workflow/report/workflow.rst"


# Snakemake's limit of jobs a second, which none here comes near, has the scheduler look again every
# second, once more for each job that ended: after a hundred that is a third of a core
# (https://github.com/snakemake/snakemake/pull/3744).
onstart:
    workflow.scheduler.job_rate_limiter = None


include: "rules/common.smk"
include: "rules/mnist.smk"
include: "rules/fonts.smk"
include: "rules/render.smk"
include: "rules/splits.smk"
include: "rules/gan.smk"
include: "rules/convert.smk"
include: "rules/classify.smk"
include: "rules/gap.smk"
include: "rules/figures.smk"


rule all:
    default_target: True
    input:
        "results/accuracy.csv",
        "results/gap.csv",
        "results/fonts/credits.md",
        expand("results/figures/{figure}.{format}", figure=FIGURES, format=["png", "svg"]),

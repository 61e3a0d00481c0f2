# The experiment of "Exploiting synthetic images for real-world image recognition" (Maton, Huijser,
# van Gemert, Kayhan): do synthetic images, converted by a GAN, help a classifier of real ones?
#
#   real ------+-> splits -> gan -> convert -+-> classify -+-> verdict
#   synthetic -+-----------------------------+-> gap ------+-> figures -> report
#
# Each stage has a file of its name in rules/, workflow/scripts/ and src/synth2real/, and a folder
# in results/.

from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.current_basedir}/config.yaml"


include: "rules/common.smk"
include: "rules/resources.smk"
include: "rules/real.smk"
include: "rules/fonts.smk"
include: "rules/synthetic.smk"
include: "rules/splits.smk"
include: "rules/gan.smk"
include: "rules/convert.smk"
include: "rules/classify.smk"
include: "rules/gap.smk"
include: "rules/verdict.smk"
include: "rules/figures.smk"
include: "rules/report.smk"


# Whatever the target was; of others than `all` the verdict may be that of a run before.
onsuccess:
    remove_leftovers()
    show_verdict(Path("results/verdict.csv"), Path("results/report.html"))


rule all:
    default_target: True
    input:
        "results/accuracy.csv",
        "results/recall.csv",
        "results/gap.csv",
        "results/report.html",
        expand("results/verdict.{suffix}", suffix=["csv", "md", "html"]),
        "results/fonts/credits.md" if FROM_FONTS else [],
        expand("results/figures/{figure}.png", figure=FIGURES),
        [
            f"results/{fold}{size}/draw{draw}/convert/seed{seed}/{format}"
            for fold, size, draw in CHAIN_KEYS
            for seed in GAN_SEEDS
            for format in EXPERIMENT.formats
        ],

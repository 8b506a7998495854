// SPDX-License-Identifier: MIT
// Every register of the core and what becomes of its bits. What is neither modelled
// nor inert is reported as unimplemented when it is set; what has no name in the
// descriptions is reserved.
#include "sim/models/otg_internal.h"

#define ALL 0xFFFFFFFFu

// Device mode has these; NPTXFE and PTXFE are missing on purpose.
#define INTERRUPTS                                                                   \
  (SIM_OTG_GINTMSK_MMISM | SIM_OTG_GINTMSK_OTGINT | SIM_OTG_GINTMSK_SOFM |           \
   SIM_OTG_GINTMSK_RXFLVLM | SIM_OTG_GINTMSK_GINAKEFFM | SIM_OTG_GINTMSK_GONAKEFFM | \
   SIM_OTG_GINTMSK_EOPFM | SIM_OTG_GINTMSK_ESUSPM | SIM_OTG_GINTMSK_USBSUSPM |       \
   SIM_OTG_GINTMSK_USBRST | SIM_OTG_GINTMSK_ENUMDNEM | SIM_OTG_GINTMSK_IEPINT |      \
   SIM_OTG_GINTMSK_OEPINT | SIM_OTG_GINTMSK_RSTDETM | SIM_OTG_GINTMSK_CIDSCHGM |     \
   SIM_OTG_GINTMSK_SRQIM | SIM_OTG_GINTMSK_WUIM | SIM_OTG_GINTMSK_ISOODRPM |         \
   SIM_OTG_GINTMSK_IISOIXFRM | SIM_OTG_GINTMSK_IPXFRM)

// Interrupts that cannot happen here: descriptor DMA, host mode, link power management.
#define INTERRUPTS_NEVER                                                      \
  (SIM_OTG_GINTMSK_LPMINTM | SIM_OTG_GINTMSK_FSUSPM | SIM_OTG_GINTMSK_PRTIM | \
   SIM_OTG_GINTMSK_HCIM | SIM_OTG_GINTMSK_DISCINT)

#define DIEPMSK_MODELLED                                                        \
  (SIM_OTG_DIEPMSK_XFRCM | SIM_OTG_DIEPMSK_EPDM | SIM_OTG_DIEPMSK_TOM |         \
   SIM_OTG_DIEPMSK_ITTXFEMSK | SIM_OTG_DIEPMSK_INEPNEM | SIM_OTG_DIEPMSK_NAKM | \
   SIM_OTG_DIEPMSK_AHBERRM)
// Underruns, endpoint mismatch, buffers not available: conditions of thresholds,
// shared FIFOs and descriptor DMA.
#define DIEPMSK_INERT \
  (SIM_OTG_DIEPMSK_INEPNMM | SIM_OTG_DIEPMSK_TXFURM | SIM_OTG_DIEPMSK_BIM)
#define DOEPMSK_MODELLED                                                       \
  (SIM_OTG_DOEPMSK_XFRCM | SIM_OTG_DOEPMSK_EPDM | SIM_OTG_DOEPMSK_STUPM |      \
   SIM_OTG_DOEPMSK_OTEPDM | SIM_OTG_DOEPMSK_B2BSTUPM | SIM_OTG_DOEPMSK_BERRM | \
   SIM_OTG_DOEPMSK_NAKM | SIM_OTG_DOEPMSK_NYETM | SIM_OTG_DOEPMSK_AHBERRM |    \
   SIM_OTG_DOEPMSK_OTEPSPRM)
#define DOEPMSK_INERT (SIM_OTG_DOEPMSK_OPEM | SIM_OTG_DOEPMSK_BOIM)

#define GUSBCFG_MODELLED                                                   \
  (SIM_OTG_GUSBCFG_PHYSEL | SIM_OTG_GUSBCFG_TRDT | SIM_OTG_GUSBCFG_FHMOD | \
   SIM_OTG_GUSBCFG_FDMOD)
// Analogue details of the ULPI PHY, and calibration; the right to ask for a session or
// for the host's role, of which no use is made.
#define GUSBCFG_INERT                                                                \
  (SIM_OTG_GUSBCFG_SRPCAP | SIM_OTG_GUSBCFG_HNPCAP | SIM_OTG_GUSBCFG_TOCAL |         \
   SIM_OTG_GUSBCFG_ULPI_UTMI_SEL | SIM_OTG_GUSBCFG_PHYLPCS |                         \
   SIM_OTG_GUSBCFG_ULPIFSLS | SIM_OTG_GUSBCFG_ULPIAR | SIM_OTG_GUSBCFG_ULPICSM |     \
   SIM_OTG_GUSBCFG_ULPIEVBUSD | SIM_OTG_GUSBCFG_ULPIEVBUSI | SIM_OTG_GUSBCFG_TSDPS | \
   SIM_OTG_GUSBCFG_PCCI | SIM_OTG_GUSBCFG_PTCI | SIM_OTG_GUSBCFG_ULPIIPD)

// Battery charging detection.
#define GCCFG_CHARGER \
  (SIM_OTG_GCCFG_BCDEN | SIM_OTG_GCCFG_DCDEN | SIM_OTG_GCCFG_PDEN | SIM_OTG_GCCFG_SDEN)

#define GOTGCTL_INERT                                                               \
  (SIM_OTG_GOTGCTL_VBVALOEN | SIM_OTG_GOTGCTL_VBVALOVAL | SIM_OTG_GOTGCTL_AVALOEN | \
   SIM_OTG_GOTGCTL_AVALOVAL)

#define DCTL_MODELLED                                                                  \
  (SIM_OTG_DCTL_RWUSIG | SIM_OTG_DCTL_SDIS | SIM_OTG_DCTL_TCTL | SIM_OTG_DCTL_SGINAK | \
   SIM_OTG_DCTL_CGINAK | SIM_OTG_DCTL_SGONAK | SIM_OTG_DCTL_CGONAK |                   \
   SIM_OTG_DCTL_POPRGDNE)

// DOEPCTL.SNPM (snoop) is the one bit of the endpoint controls that is missing.
#define DOEPCTL_MODELLED (ALL & ~SIM_OTG_DOEPCTL_SNPM)

static const struct reg_model models[] = {
    {SIM_OTG_GOTGCTL, SIM_OTG_GOTGCTL_BVALOEN | SIM_OTG_GOTGCTL_BVALOVAL, GOTGCTL_INERT,
     0, 0},
    {SIM_OTG_GOTGINT, ALL, 0, 0, 0},
    {SIM_OTG_GAHBCFG,
     SIM_OTG_GAHBCFG_GINT | SIM_OTG_GAHBCFG_TXFELVL | SIM_OTG_GAHBCFG_DMAEN,
     SIM_OTG_GAHBCFG_HBSTLEN | SIM_OTG_GAHBCFG_PTXFELVL, 0, 0},
    {SIM_OTG_GUSBCFG, GUSBCFG_MODELLED, GUSBCFG_INERT, 0, 0},
    {SIM_OTG_GRSTCTL,
     SIM_OTG_GRSTCTL_CSRST | SIM_OTG_GRSTCTL_RXFFLSH | SIM_OTG_GRSTCTL_TXFFLSH |
         SIM_OTG_GRSTCTL_TXFNUM,
     0, 0, 0},
    {SIM_OTG_GINTSTS, ALL, 0, 0, 0},
    {SIM_OTG_GINTMSK, INTERRUPTS, INTERRUPTS_NEVER, 0, 0},
    {SIM_OTG_GRXFSIZ, ALL, 0, 0, 0},
    {SIM_OTG_DIEPTXF0, ALL, 0, 0, 0},
    {SIM_OTG_DIEPTXF(1), ALL, 0, OTG_TX_FIFOS - 1, 4},
    {SIM_OTG_GCCFG, SIM_OTG_GCCFG_PWRDWN | SIM_OTG_GCCFG_VBDEN | GCCFG_CHARGER, 0, 0,
     0},
    {SIM_OTG_CID, 0, ALL, 0, 0},
    // No host here sends LPM tokens.
    {SIM_OTG_GLPMCFG, 0, ALL, 0, 0},
    // Where DMA keeps its pointers in the RAM; here it has them elsewhere.
    {SIM_OTG_GDFIFOCFG, 0, ALL, 0, 0},
    {SIM_OTG_HPTXFSIZ, 0, ALL, 0, 0},
    // Host registers, 0x400 to 0x6FC.
    {SIM_OTG_HCFG, 0, ALL, (0x700 - SIM_OTG_HCFG) / 4, 4},
    // PERSCHIVL is for periodic endpoints with DMA; the others are PHY details.
    {SIM_OTG_DCFG,
     SIM_OTG_DCFG_DSPD | SIM_OTG_DCFG_NZLSOHSK | SIM_OTG_DCFG_DAD | SIM_OTG_DCFG_PFIVL,
     SIM_OTG_DCFG_XCVRDLY | SIM_OTG_DCFG_ERRATIM | SIM_OTG_DCFG_PERSCHIVL, 0, 0},
    {SIM_OTG_DCTL, DCTL_MODELLED, 0, 0, 0},
    {SIM_OTG_DIEPMSK, DIEPMSK_MODELLED, DIEPMSK_INERT, 0, 0},
    {SIM_OTG_DOEPMSK, DOEPMSK_MODELLED, DOEPMSK_INERT, 0, 0},
    {SIM_OTG_DAINTMSK, ALL, 0, 0, 0},
    // Pulse lengths of session requests, which are not modelled.
    {SIM_OTG_DVBUSDIS, 0, ALL, 0, 0},
    {SIM_OTG_DVBUSPULSE, 0, ALL, 0, 0},
    {SIM_OTG_DIEPEMPMSK, ALL, 0, 0, 0},
    // Thresholds let a packet start before all of it has been moved; here packets are
    // moved whole. Older HALs of ST set them in DMA mode.
    {SIM_OTG_DTHRCTL, 0, ALL, 0, 0},
    {SIM_OTG_DEACHINTMSK, ALL, 0, 0, 0},
    {SIM_OTG_DIEPEACHMSK1, DIEPMSK_MODELLED, DIEPMSK_INERT, 0, 0},
    {SIM_OTG_DOEPEACHMSK1, DOEPMSK_MODELLED, DOEPMSK_INERT, 0, 0},
    {SIM_OTG_DIEPCTL0, ALL, 0, OTG_ENDPOINTS, 0x20},
    {SIM_OTG_DIEPINT(0), ALL, 0, OTG_ENDPOINTS, 0x20},
    // MCNT: packets per frame of periodic endpoints. libopencm3 sets 1 on all.
    {SIM_OTG_DIEPTSIZ0, SIM_OTG_DIEPTSIZ_XFRSIZ | SIM_OTG_DIEPTSIZ_PKTCNT,
     SIM_OTG_DIEPTSIZ_MCNT, OTG_ENDPOINTS, 0x20},
    {SIM_OTG_DOEPCTL0, DOEPCTL_MODELLED, 0, OTG_ENDPOINTS, 0x20},
    {SIM_OTG_DOEPINT(0), ALL, 0, OTG_ENDPOINTS, 0x20},
    {SIM_OTG_DOEPTSIZ0, ALL, 0, OTG_ENDPOINTS, 0x20},
    {SIM_OTG_DIEPDMA(0), ALL, 0, OTG_ENDPOINTS, 0x20},
    {SIM_OTG_DOEPDMA(0), ALL, 0, OTG_ENDPOINTS, 0x20},
    {SIM_OTG_PCGCCTL, SIM_OTG_PCGCCTL_STPPCLK | SIM_OTG_PCGCCTL_GATEHCLK, 0, 0, 0},
};

void otg_init_models(struct otg *o) {
  reg_file_init(&o->file, o->config->block, o->config->base, models,
                sizeof models / sizeof *models, o->report);
}
